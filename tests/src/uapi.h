/* SPDX-License-Identifier: GPL-2.0 */
#include <drm/drm.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <linux/vfio.h>
#include <linux/videodev2.h>
#include <drm/vgem_drm.h>
