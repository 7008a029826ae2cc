// SPDX-License-Identifier: GPL-2.0
/*
 * Exports what drivers need of the crate `media`, whose generic functions are
 * compiled into the drivers and call the others.
 */

#include <linux/export.h>
#include <linux/module.h>

#include "exports_media_generated.h"
#include "exports_helpers_generated.h"

MODULE_AUTHOR("The vireo developers");
MODULE_DESCRIPTION("Rust abstractions for V4L2, videobuf2 and dma-buf");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
