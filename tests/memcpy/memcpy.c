// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel's own memcpy() of a frame costs: the yardstick of a camera
 * that copies its frames. And a thread that only wakes up 25 times a second,
 * as that of a camera does. For "make bench" alone.
 */
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/timex.h>
#include <linux/vmalloc.h>

/* Out of line, so that the compiler does not know the size and calls memcpy(). */
static noinline cycles_t measure_once(void *to, const void *from, size_t size)
{
	cycles_t start = get_cycles();

	memcpy(to, from, size);
	barrier_data(to);
	return get_cycles() - start;
}

static int measure(const char *name, size_t size)
{
	cycles_t least = ULLONG_MAX;
	void *from = vzalloc(size);
	void *to = vzalloc(size);
	unsigned long flags;
	int i;

	for (i = 0; from && to && i < 5; i++) {
		local_irq_save(flags);
		least = min(least, measure_once(to, from, size));
		local_irq_restore(flags);
	}
	if (i)
		pr_info("frame memcpy %s %llu\n", name, (u64)least);
	vfree(to);
	vfree(from);
	return i ? 0 : -ENOMEM;
}

static int sleep(void *data)
{
	ktime_t next = ktime_get();

	while (!kthread_should_stop()) {
		next = ktime_add_ms(next, 40);
		set_current_state(TASK_IDLE);
		schedule_hrtimeout(&next, HRTIMER_MODE_ABS);
	}
	return 0;
}

static struct task_struct *sleeper;

static int __init memcpy_init(void)
{
	int ret = measure("640x480", 640 * 480 * 2);

	ret = ret ?: measure("1920x1080", 1920 * 1080 * 2);
	if (ret)
		return ret;
	sleeper = kthread_run(sleep, NULL, "bench-sleeper");
	return PTR_ERR_OR_ZERO(sleeper);
}
module_init(memcpy_init);

static void __exit memcpy_exit(void)
{
	kthread_stop(sleeper);
}
module_exit(memcpy_exit);

MODULE_DESCRIPTION("Yardstick of make bench");
MODULE_LICENSE("GPL");
