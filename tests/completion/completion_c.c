// SPDX-License-Identifier: GPL-2.0
/*
 * What completing a buffer in an interrupt costs a driver in C: the yardstick
 * of completion_rust.rs, which does the same. For "make bench" alone.
 *
 * Two nodes, with buffers of videobuf2-vmalloc and of videobuf2-dma-sg. When a
 * timer expires that stands for the hardware, all buffers are completed, one
 * after the other.
 */
#include <linux/dma-mapping.h>
#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/spinlock.h>
#include <media/v4l2-common.h>
#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-dma-sg.h>
#include <media/videobuf2-v4l2.h>
#include <media/videobuf2-vmalloc.h>

#define SIZE		(640 * 480)
#define BURST		16
#define PERIOD		(10 * NSEC_PER_MSEC)

struct bench_buffer {
	struct vb2_v4l2_buffer vbuf;
	struct list_head list;
};

struct bench_node {
	const char *name;
	struct video_device vdev;
	struct vb2_queue queue;
	struct mutex lock;
	/* Protects the list and what the hardware has. */
	spinlock_t slock;
	struct list_head buffers;
	struct bench_buffer *active;
	struct hrtimer timer;
	u32 sequence;
};

static struct platform_device *bench_pdev;
static struct v4l2_device bench_v4l2 = { .name = "completion_c" };
static struct bench_node bench_nodes[] = {
	{ .name = "vmalloc" },
	{ .name = "dma-sg" },
};

/* What the handler of an interrupt does: take, done, next. */
static noinline bool bench_complete(struct bench_node *node)
{
	struct bench_buffer *buf;
	unsigned long flags;

	spin_lock_irqsave(&node->slock, flags);
	buf = node->active;
	if (buf) {
		buf->vbuf.sequence = node->sequence++;
		buf->vbuf.field = V4L2_FIELD_NONE;
		buf->vbuf.vb2_buf.timestamp = 1;
		vb2_set_plane_payload(&buf->vbuf.vb2_buf, 0, SIZE);
		vb2_buffer_done(&buf->vbuf.vb2_buf, VB2_BUF_STATE_DONE);
	}
	node->active = list_first_entry_or_null(&node->buffers, struct bench_buffer, list);
	if (node->active)
		list_del(&node->active->list);
	spin_unlock_irqrestore(&node->slock, flags);
	return buf;
}

static enum hrtimer_restart bench_expire(struct hrtimer *timer)
{
	struct bench_node *node = container_of(timer, struct bench_node, timer);
	ktime_t before, start, end;
	int count = 0;

	/* The first one is taken, and the last one completed, outside of what is counted. */
	bench_complete(node);
	before = ktime_get();
	start = ktime_get();
	while (count < BURST - 1 && bench_complete(node))
		count++;
	end = ktime_get();
	if (count == BURST - 1 && node->active)
		pr_info("completion C %s %lld\n", node->name,
			((end - start) - (start - before)) / count);
	bench_complete(node);

	hrtimer_forward_now(timer, ns_to_ktime(PERIOD));
	return HRTIMER_RESTART;
}

static int bench_queue_setup(struct vb2_queue *q, unsigned int *num_buffers,
			     unsigned int *num_planes, unsigned int sizes[],
			     struct device *alloc_devs[])
{
	if (*num_planes)
		return sizes[0] < SIZE ? -EINVAL : 0;
	*num_planes = 1;
	sizes[0] = SIZE;
	return 0;
}

static void bench_buf_queue(struct vb2_buffer *vb)
{
	struct bench_node *node = vb2_get_drv_priv(vb->vb2_queue);
	struct bench_buffer *buf = container_of(to_vb2_v4l2_buffer(vb), struct bench_buffer, vbuf);
	unsigned long flags;

	spin_lock_irqsave(&node->slock, flags);
	list_add_tail(&buf->list, &node->buffers);
	spin_unlock_irqrestore(&node->slock, flags);
}

static int bench_start_streaming(struct vb2_queue *q, unsigned int count)
{
	struct bench_node *node = vb2_get_drv_priv(q);

	hrtimer_start(&node->timer, ns_to_ktime(PERIOD), HRTIMER_MODE_REL);
	return 0;
}

static void bench_stop_streaming(struct vb2_queue *q)
{
	struct bench_node *node = vb2_get_drv_priv(q);
	struct bench_buffer *buf, *tmp;

	hrtimer_cancel(&node->timer);
	list_for_each_entry_safe(buf, tmp, &node->buffers, list) {
		list_del(&buf->list);
		vb2_buffer_done(&buf->vbuf.vb2_buf, VB2_BUF_STATE_ERROR);
	}
}

static const struct vb2_ops bench_vb2_ops = {
	.queue_setup = bench_queue_setup,
	.buf_queue = bench_buf_queue,
	.start_streaming = bench_start_streaming,
	.stop_streaming = bench_stop_streaming,
};

static int bench_querycap(struct file *file, void *priv, struct v4l2_capability *cap)
{
	strscpy(cap->driver, "completion_c", sizeof(cap->driver));
	strscpy(cap->card, "completion_c", sizeof(cap->card));
	return 0;
}

static int bench_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *f)
{
	if (f->index)
		return -EINVAL;
	f->pixelformat = V4L2_PIX_FMT_GREY;
	return 0;
}

static int bench_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	f->fmt.pix = (struct v4l2_pix_format) {
		.width = 640,
		.height = 480,
		.pixelformat = V4L2_PIX_FMT_GREY,
		.field = V4L2_FIELD_NONE,
		.bytesperline = 640,
		.sizeimage = SIZE,
		.colorspace = V4L2_COLORSPACE_SRGB,
	};
	return 0;
}

static const struct v4l2_ioctl_ops bench_ioctl_ops = {
	.vidioc_querycap = bench_querycap,
	.vidioc_enum_fmt_vid_cap = bench_enum_fmt,
	.vidioc_g_fmt_vid_cap = bench_fmt,
	.vidioc_try_fmt_vid_cap = bench_fmt,
	.vidioc_s_fmt_vid_cap = bench_fmt,
	.vidioc_reqbufs = vb2_ioctl_reqbufs,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_qbuf = vb2_ioctl_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
};

static const struct v4l2_file_operations bench_fops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.unlocked_ioctl = video_ioctl2,
	.mmap = vb2_fop_mmap,
	.poll = vb2_fop_poll,
};

static int bench_add(struct bench_node *node, const struct vb2_mem_ops *mem_ops)
{
	struct video_device *vdev = &node->vdev;
	struct vb2_queue *q = &node->queue;
	int ret;

	mutex_init(&node->lock);
	spin_lock_init(&node->slock);
	INIT_LIST_HEAD(&node->buffers);
	hrtimer_setup(&node->timer, bench_expire, CLOCK_MONOTONIC, HRTIMER_MODE_REL);

	q->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	q->io_modes = VB2_MMAP;
	q->drv_priv = node;
	q->buf_struct_size = sizeof(struct bench_buffer);
	q->ops = &bench_vb2_ops;
	q->mem_ops = mem_ops;
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
	q->lock = &node->lock;
	q->dev = &bench_pdev->dev;
	ret = vb2_queue_init(q);
	if (ret)
		return ret;

	strscpy(vdev->name, node->name, sizeof(vdev->name));
	vdev->fops = &bench_fops;
	vdev->ioctl_ops = &bench_ioctl_ops;
	vdev->release = video_device_release_empty;
	vdev->v4l2_dev = &bench_v4l2;
	vdev->queue = q;
	vdev->lock = &node->lock;
	vdev->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	video_set_drvdata(vdev, node);
	return video_register_device(vdev, VFL_TYPE_VIDEO, -1);
}

static int __init bench_init(void)
{
	const struct platform_device_info info = {
		.name = "completion_c",
		.id = PLATFORM_DEVID_NONE,
		.dma_mask = DMA_BIT_MASK(64),
	};
	int ret;

	bench_pdev = platform_device_register_full(&info);
	if (IS_ERR(bench_pdev))
		return PTR_ERR(bench_pdev);
	ret = v4l2_device_register(&bench_pdev->dev, &bench_v4l2);
	if (ret)
		goto err_device;
	ret = bench_add(&bench_nodes[0], &vb2_vmalloc_memops);
	if (ret)
		goto err_v4l2;
	ret = bench_add(&bench_nodes[1], &vb2_dma_sg_memops);
	if (ret)
		goto err_node;
	return 0;

err_node:
	vb2_video_unregister_device(&bench_nodes[0].vdev);
err_v4l2:
	v4l2_device_unregister(&bench_v4l2);
err_device:
	platform_device_unregister(bench_pdev);
	return ret;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	vb2_video_unregister_device(&bench_nodes[1].vdev);
	vb2_video_unregister_device(&bench_nodes[0].vdev);
	v4l2_device_unregister(&bench_v4l2);
	platform_device_unregister(bench_pdev);
}
module_exit(bench_exit);

MODULE_DESCRIPTION("Yardstick of make bench: completion of buffers in C");
MODULE_LICENSE("GPL");
