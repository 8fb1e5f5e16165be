/* roboflow_side.c - the routes beside the three calls: what is there, what is loaded, health. */
#include <stdlib.h>
#include <string.h>

#include "../cli/json_put.h"
#include "body.h"
#include "server.h"

void roboflow_info(struct server *s, const struct request *request, struct reply *reply)
{
    (void)request;
    reply_json(reply, 200, "{\"name\":\"clipc\",\"version\":\"%s\",\"uuid\":\"%s\"}",
               clipc_version(), s->id);
}

void roboflow_healthz(struct server *s, const struct request *request, struct reply *reply)
{
    (void)s;
    (void)request;
    reply_json(reply, 200, "{\"status\":\"healthy\"}");
}

void roboflow_readiness(struct server *s, const struct request *request, struct reply *reply)
{
    (void)s;
    (void)request;
    reply_json(reply, 200, "{\"status\":\"ready\"}");
}

struct listing {
    FILE *f;
    size_t n;
};

static void list_model(void *arg, const char *name, const struct model *model)
{
    struct listing *l = arg;
    char id[300];

    if (model == NULL) {
        return;
    }
    snprintf(id, sizeof id, "clip/%s", name);
    fputs(l->n++ > 0 ? ",{\"model_id\":" : "{\"model_id\":", l->f);
    json_put_c_string(l->f, id);
    fprintf(l->f,
            ",\"task_type\":\"embedding\",\"batch_size\":null,\"input_height\":%d,"
            "\"input_width\":%d,\"vram_bytes\":null,\"request_aliases\":[],\"request_paths\":["
            "\"/clip/compare\",\"/clip/embed_image\",\"/clip/embed_text\"]}",
            model->info.image_size, model->info.image_size);
}

void roboflow_registry(struct server *s, const struct request *request, struct reply *reply)
{
    struct listing l = {reply_begin(reply, 200, "application/json"), 0};

    (void)request;
    if (l.f != NULL) {
        fputs("{\"models\":[", l.f);
        models_each(s->models, list_model, &l);
        fputs("],\"total_vram_bytes\":null,\"gpu_memory_used\":null,\"gpu_memory_total\":null,"
              "\"torch_cuda_allocated\":null,\"torch_cuda_reserved\":null,"
              "\"torch_cuda_allocator_cache\":null,\"non_torch_gpu_memory\":null}",
              l.f);
        reply_end(reply);
    }
}

static void not_found(struct reply *reply)
{
    reply_message(reply, 404,
                  "Requested Roboflow resource not found. Make sure that workspace, project or "
                  "model you referred in request exists.");
}

/* Maps and starts a model, so that its first request need not. */
static bool load(struct server *s, const char *name, struct reply *reply)
{
    double seconds;
    int status;
    struct model *model = models_use(s->models, name, &seconds, &status);

    if (model == NULL && status == CLIPC_ERROR_ARGUMENT) {
        not_found(reply);
    } else if (model == NULL) {
        reply_message(reply, 503, "%s", clipc_errmsg());
    }
    models_release(s->models, model);
    return model != NULL;
}

/* The body's model_id, a copy; NULL after filling the reply. */
static char *model_id(const struct request *request, struct reply *reply)
{
    json_t *body = body_parse(request, reply);
    const json_t *id = json_object_get(body, "model_id");
    char *copy = NULL;

    if (body == NULL) {
        return NULL;
    }
    struct complaints found = {json_array(), body};
    if (id == NULL) {
        body_complain(&found, "missing", body, "Field required", "\"body\",\"model_id\"");
    } else if (!json_is_string(id)) {
        body_complain(&found, "string_type", id, "Input should be a valid string",
                      "\"body\",\"model_id\"");
    } else if ((copy = strdup(json_string_value(id))) == NULL) {
        reply_message(reply, 503, "no memory for this request now: try again");
    }
    body_refuse(&found, reply);
    json_decref(body);
    return copy;
}

void roboflow_add(struct server *s, const struct request *request, struct reply *reply)
{
    char *name = model_id(request, reply);

    if (name != NULL && load(s, name, reply)) {
        roboflow_registry(s, request, reply);
    }
    free(name);
}

void roboflow_remove(struct server *s, const struct request *request, struct reply *reply)
{
    char *name = model_id(request, reply);

    if (name != NULL && models_known(s->models, name)) {
        models_unload(s->models, name);
        roboflow_registry(s, request, reply);
    } else if (name != NULL) {
        not_found(reply);
    }
    free(name);
}

void roboflow_clear(struct server *s, const struct request *request, struct reply *reply)
{
    models_unload(s->models, NULL);
    roboflow_registry(s, request, reply);
}

/* GET /start/clip/NAME */
void roboflow_start(struct server *s, const struct request *request, struct reply *reply)
{
    const char *name = request->path + strlen("/start/");

    if (load(s, name, reply)) {
        reply_json(reply, 200,
                   "{\"status\":200,\"message\":\"inference session started from local memory.\"}");
    }
}

void roboflow_clear_cache(struct server *s, const struct request *request, struct reply *reply)
{
    (void)request;
    models_clear_texts(s->models);
    reply_json(reply, 200, "\"Cache Cleared\"");
}
