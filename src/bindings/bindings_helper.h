/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bindgen reads: the media headers that `kernel::bindings` lacks.
 */

#include <linux/dma-buf.h>
#include <linux/kthread.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/videodev2.h>
#include <linux/vmalloc.h>
#include <media/v4l2-common.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>
#include <media/v4l2-event.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-core.h>
#include <media/videobuf2-v4l2.h>

/* `bindgen` does not evaluate macros with casts in them. */
const vm_flags_t VIREO_CONST_VM_MAYSHARE = VM_MAYSHARE;
const v4l2_std_id VIREO_CONST_V4L2_STD_NTSC = V4L2_STD_NTSC;
const v4l2_std_id VIREO_CONST_V4L2_STD_NTSC_443 = V4L2_STD_NTSC_443;
const v4l2_std_id VIREO_CONST_V4L2_STD_PAL = V4L2_STD_PAL;
const v4l2_std_id VIREO_CONST_V4L2_STD_PAL_M = V4L2_STD_PAL_M;
const v4l2_std_id VIREO_CONST_V4L2_STD_PAL_N = V4L2_STD_PAL_N;
const v4l2_std_id VIREO_CONST_V4L2_STD_PAL_60 = V4L2_STD_PAL_60;
const v4l2_std_id VIREO_CONST_V4L2_STD_SECAM = V4L2_STD_SECAM;
const v4l2_std_id VIREO_CONST_V4L2_STD_525_60 = V4L2_STD_525_60;
const v4l2_std_id VIREO_CONST_V4L2_STD_625_50 = V4L2_STD_625_50;
