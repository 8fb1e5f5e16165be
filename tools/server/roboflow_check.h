/* roboflow_check.h - the fields of Roboflow's requests, and what pydantic says of wrong ones. */
#ifndef CLIPC_ROBOFLOW_CHECK_H
#define CLIPC_ROBOFLOW_CHECK_H

#include "body.h"

struct complaints roboflow_check_common(const json_t *body);
void roboflow_check_image(struct complaints *c);
void roboflow_check_text(struct complaints *c);
void roboflow_check_compare(struct complaints *c);

/* Is it a dictionary of prompts: an object that is not itself an image? */
bool roboflow_is_named(const json_t *value);

#endif
