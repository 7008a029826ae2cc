// SPDX-License-Identifier: GPL-2.0

#include <linux/kthread.h>
#include <linux/sched.h>

void vireo_helper_set_current_state(unsigned int state)
{
	set_current_state(state);
}

void vireo_helper___set_current_state(unsigned int state)
{
	__set_current_state(state);
}
