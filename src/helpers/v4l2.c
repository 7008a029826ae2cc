// SPDX-License-Identifier: GPL-2.0

#include <media/v4l2-ctrls.h>
#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>

void vireo_helper_v4l2_device_get(struct v4l2_device *v4l2_dev)
{
	v4l2_device_get(v4l2_dev);
}

int vireo_helper_video_register_device(struct video_device *vdev,
				       enum vfl_devnode_type type, int nr)
{
	return video_register_device(vdev, type, nr);
}

bool vireo_helper_video_is_registered(struct video_device *vdev)
{
	return video_is_registered(vdev);
}

int vireo_helper_v4l2_ctrl_handler_init(struct v4l2_ctrl_handler *hdl,
					unsigned int nr_of_controls_hint)
{
	return v4l2_ctrl_handler_init(hdl, nr_of_controls_hint);
}

struct v4l2_fh *vireo_helper_file_to_v4l2_fh(struct file *filp)
{
	return file_to_v4l2_fh(filp);
}
