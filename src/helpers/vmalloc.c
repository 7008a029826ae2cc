// SPDX-License-Identifier: GPL-2.0

#include <linux/vmalloc.h>

/* `PAGE_KERNEL` is not a constant everywhere. */
void *vireo_helper_vmap(struct page **pages, unsigned int count)
{
	return vmap(pages, count, VM_MAP, PAGE_KERNEL);
}

void vireo_helper_vunmap(const void *addr)
{
	vunmap(addr);
}
