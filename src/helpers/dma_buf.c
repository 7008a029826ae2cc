// SPDX-License-Identifier: GPL-2.0

#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/module.h>

void vireo_helper_get_dma_buf(struct dma_buf *dmabuf)
{
	get_dma_buf(dmabuf);
}

unsigned int vireo_helper_dma_get_max_seg_size(struct device *dev)
{
	return dma_get_max_seg_size(dev);
}

void vireo_helper_dma_sync_sgtable_for_cpu(struct device *dev,
					   struct sg_table *sgt,
					   enum dma_data_direction dir)
{
	dma_sync_sgtable_for_cpu(dev, sgt, dir);
}

void vireo_helper_dma_sync_sgtable_for_device(struct device *dev,
					      struct sg_table *sgt,
					      enum dma_data_direction dir)
{
	dma_sync_sgtable_for_device(dev, sgt, dir);
}

void vireo_helper_iosys_map_memcpy_to(struct iosys_map *dst, size_t dst_offset,
				      const void *src, size_t len)
{
	iosys_map_memcpy_to(dst, dst_offset, src, len);
}

void vireo_helper_iosys_map_memcpy_from(void *dst, const struct iosys_map *src,
					size_t src_offset, size_t len)
{
	iosys_map_memcpy_from(dst, src, src_offset, len);
}

void vireo_helper_iosys_map_memset(struct iosys_map *dst, size_t offset,
				   int value, size_t len)
{
	iosys_map_memset(dst, offset, value, len);
}

/* What DEFINE_DMA_BUF_EXPORT_INFO() names an exporter by. */
const char *vireo_helper_modname(void)
{
	return KBUILD_MODNAME;
}

unsigned long vireo_helper_file_count(struct file *file)
{
	return file_count(file);
}

void vireo_helper_dma_fence_put(struct dma_fence *fence)
{
	dma_fence_put(fence);
}

bool vireo_helper_dma_resv_trylock(struct dma_resv *obj)
{
	return dma_resv_trylock(obj);
}

/* For tests, which play the device where DMA addresses are physical ones. */
void *vireo_helper_phys_to_virt(phys_addr_t address)
{
	return __va(address);
}

unsigned long vireo_helper_page_to_pfn(struct page *page)
{
	return page_to_pfn(page);
}
