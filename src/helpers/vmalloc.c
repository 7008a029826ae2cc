// SPDX-License-Identifier: GPL-2.0

#include <linux/mm.h>
#include <linux/sched/signal.h>
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

unsigned long vireo_helper_totalram_pages(void)
{
	return totalram_pages();
}

int vireo_helper_fatal_signal_pending(struct task_struct *p)
{
	return fatal_signal_pending(p);
}

unsigned long vireo_helper_rlimit(unsigned int limit)
{
	return rlimit(limit);
}
