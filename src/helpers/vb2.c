// SPDX-License-Identifier: GPL-2.0

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <media/videobuf2-core.h>

void vireo_helper_mutex_destroy(struct mutex *lock)
{
	mutex_destroy(lock);
}

/* A macro in kernels with lockdep. */
int vireo_helper_mutex_lock_interruptible(struct mutex *lock)
{
	return mutex_lock_interruptible(lock);
}

struct vb2_buffer *vireo_helper_vb2_get_buffer(struct vb2_queue *q,
					       unsigned int index)
{
	return vb2_get_buffer(q, index);
}

bool vireo_helper_vb2_is_busy(struct vb2_queue *q)
{
	return vb2_is_busy(q);
}

unsigned long vireo_helper_untagged_addr(unsigned long addr)
{
	return untagged_addr(addr);
}

/* `printk_ratelimited()` keeps its state in a static of the caller. */
bool vireo_helper_userptr_ratelimit(void)
{
	static DEFINE_RATELIMIT_STATE(state, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	return __ratelimit(&state);
}

bool vireo_helper_dmabuf_ratelimit(void)
{
	static DEFINE_RATELIMIT_STATE(state, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	return __ratelimit(&state);
}

void vireo_helper_init_work(struct work_struct *work, work_func_t func)
{
	INIT_WORK(work, func);
}

void vireo_helper_init_delayed_work(struct delayed_work *dwork,
				    work_func_t func)
{
	INIT_DELAYED_WORK(dwork, func);
}

bool vireo_helper_mod_delayed_work(struct workqueue_struct *wq,
				   struct delayed_work *dwork,
				   unsigned long delay)
{
	return mod_delayed_work(wq, dwork, delay);
}
