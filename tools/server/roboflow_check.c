/* roboflow_check.c - types of fields; a union that fits none of its branches has a complaint for
 * each. */
#include "roboflow_check.h"

#include <stdio.h>

struct complaints roboflow_check_common(const json_t *body)
{
    static const char *const strings[] = {"api_key", "clip_version_id", "model_id",
                                          "source",  "source_info",     NULL};
    struct complaints found = {json_array(), body};
    const json_t *id = json_object_get(body, "id");

    if (id != NULL && !json_is_string(id)) {
        body_complain(&found, "string_type", id, "Input should be a valid string",
                      "\"body\",\"id\"");
    }
    body_check_strings(&found, strings);
    return found;
}

static void not_a_list(struct complaints *c, const json_t *value, const char *field,
                       const char *branch)
{
    body_complain(c, "list_type", value, "Input should be a valid list", "\"body\",\"%s\",\"%s\"",
                  field, branch);
}

static void not_a_string(struct complaints *c, const json_t *value, const char *field)
{
    body_complain(c, "string_type", value, "Input should be a valid string",
                  "\"body\",\"%s\",\"str\"", field);
}

/* `value` as one image; `place`: where, as JSON. */
static bool is_image(const json_t *value)
{
    return json_is_string(json_object_get(value, "type"));
}

static void not_an_image(struct complaints *c, const json_t *value, const char *place)
{
    const json_t *type = json_object_get(value, "type");

    if (!json_is_object(value)) {
        body_complain(c, "model_type", value,
                      "Input should be a valid dictionary or instance of InferenceRequestImage",
                      "\"body\",%s", place);
        json_object_set_new(json_array_get(c->list, json_array_size(c->list) - 1), "ctx",
                            json_pack("{s:s}", "class_name", "InferenceRequestImage"));
    } else if (type == NULL) {
        body_complain(c, "missing", value, "Field required", "\"body\",%s,\"type\"", place);
    } else {
        body_complain(c, "string_type", type, "Input should be a valid string",
                      "\"body\",%s,\"type\"", place);
    }
}

static bool all_images(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!is_image(json_array_get(list, i))) {
            return false;
        }
    }
    return json_is_array(list);
}

static bool all_strings(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!json_is_string(json_array_get(list, i))) {
            return false;
        }
    }
    return json_is_array(list);
}

void roboflow_check_image(struct complaints *c)
{
    const json_t *value = json_object_get(c->body, "image");

    if (value == NULL) {
        body_missing(c, "image");
    } else if (!is_image(value) && !all_images(value)) {
        if (!json_is_array(value)) {
            not_a_list(c, value, "image", "list[InferenceRequestImage]");
        }
        for (size_t i = 0; i < json_array_size(value); i++) {
            char place[80];
            snprintf(place, sizeof place, "\"image\",\"list[InferenceRequestImage]\",%zu", i);
            if (!is_image(json_array_get(value, i))) {
                not_an_image(c, json_array_get(value, i), place);
            }
        }
        not_an_image(c, value, "\"image\",\"InferenceRequestImage\"");
    }
}

void roboflow_check_text(struct complaints *c)
{
    const json_t *value = json_object_get(c->body, "text");

    if (value == NULL) {
        body_missing(c, "text");
    } else if (!json_is_string(value) && !all_strings(value)) {
        if (!json_is_array(value)) {
            not_a_list(c, value, "text", "list[str]");
        }
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (!json_is_string(json_array_get(value, i))) {
                body_complain(c, "string_type", json_array_get(value, i),
                              "Input should be a valid string",
                              "\"body\",\"text\",\"list[str]\",%zu", i);
            }
        }
        not_a_string(c, value, "text");
    }
}

/* One image or text, or one of a list or dictionary. */
static bool is_item(const json_t *value)
{
    return json_is_string(value) || is_image(value);
}

/* A dictionary of prompts is one that is not itself an image. */
bool roboflow_is_named(const json_t *value)
{
    return json_is_object(value) &&
           !(json_object_get(value, "type") != NULL && json_object_get(value, "value") != NULL);
}

static bool all_items(const json_t *value)
{
    const char *key;
    json_t *item;

    if (!roboflow_is_named(value)) {
        return all_images(value) || all_strings(value);
    }
    json_object_foreach((json_t *)(size_t)value, key, item)
    {
        if (!is_item(item)) {
            return false;
        }
    }
    return true;
}

void roboflow_check_compare(struct complaints *c)
{
    const json_t *subject = json_object_get(c->body, "subject");
    const json_t *prompt = json_object_get(c->body, "prompt");
    static const char *const types[] = {"subject_type", "prompt_type"};

    if (subject == NULL) {
        body_missing(c, "subject");
    } else if (!is_item(subject)) {
        not_an_image(c, subject, "\"subject\",\"InferenceRequestImage\"");
        not_a_string(c, subject, "subject");
    }
    if (prompt == NULL) {
        body_missing(c, "prompt");
    } else if (!is_item(prompt) && !all_items(prompt)) {
        not_a_list(c, prompt, "prompt", "list[InferenceRequestImage]");
        not_an_image(c, prompt, "\"prompt\",\"InferenceRequestImage\"");
        not_a_string(c, prompt, "prompt");
        not_a_list(c, prompt, "prompt", "list[str]");
    }
    for (size_t i = 0; i < 2; i++) {
        const json_t *type = json_object_get(c->body, types[i]);
        if (type != NULL && !json_is_string(type)) {
            body_complain(c, "string_type", type, "Input should be a valid string",
                          "\"body\",\"%s\"", types[i]);
        }
    }
}
