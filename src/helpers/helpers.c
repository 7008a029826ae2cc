// SPDX-License-Identifier: GPL-2.0
/*
 * Inline functions and macros of C headers, made callable. Nothing here may
 * do more than call the one thing that it is named for.
 */

#include "v4l2.c"
#include "vb2.c"
#include "dma_buf.c"
#include "kthread.c"
#include "vmalloc.c"
#ifdef KERNEL_LACKS_SPINLOCK_IRQ
#include "spinlock.c"
#endif
