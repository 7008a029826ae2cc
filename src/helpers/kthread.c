// SPDX-License-Identifier: GPL-2.0

#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

void vireo_helper_set_current_state(unsigned int state)
{
	set_current_state(state);
}

void vireo_helper___set_current_state(unsigned int state)
{
	__set_current_state(state);
}

bool vireo_helper_freezing(struct task_struct *p)
{
	return freezing(p);
}

/* Inline, and without a value, in kernels that do not freeze tasks. */
void vireo_helper_set_freezable(void)
{
	set_freezable();
}

bool vireo_helper_try_module_get(struct module *module)
{
	return try_module_get(module);
}

void vireo_helper_module_put(struct module *module)
{
	module_put(module);
}
