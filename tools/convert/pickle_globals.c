/* pickle_globals.c - every global that a pickle may name, and what becomes of it: containers of
 * Python, and how torch/_utils.py and torch/serialization.py describe tensors and storages. */
#include <stdlib.h>
#include <string.h>

#include "../../src/base/base.h"
#include "pickle.h"

enum role {
    ROLE_DICT,      /* (pairs) -> dict */
    ROLE_TENSOR,    /* (storage, offset, size, stride, ...) -> tensor */
    ROLE_TENSOR_V3, /* the same, with a dtype behind five of them and the hooks */
    ROLE_FIRST,     /* (x, ...) -> x */
    ROLE_DEVICE,    /* -> nothing that is looked at */
    ROLE_STORAGE,   /* a class of storages: named, not called */
    ROLE_DTYPE,     /* the same */
    ROLE_CLASS      /* of TorchScript */
};

static const struct pickle_global globals[] = {
    {"collections", "OrderedDict", ROLE_DICT, NULL, 0},
    {"torch._utils", "_rebuild_tensor_v2", ROLE_TENSOR, NULL, 0},
    {"torch._utils", "_rebuild_tensor", ROLE_TENSOR, NULL, 0},
    {"torch._utils", "_rebuild_tensor_v3", ROLE_TENSOR_V3, NULL, 0},
    {"torch._utils", "_rebuild_parameter", ROLE_FIRST, NULL, 0},
    {"torch", "Size", ROLE_FIRST, NULL, 0},
    {"torch.jit._pickle", "build_intlist", ROLE_FIRST, NULL, 0},
    {"torch.jit._pickle", "build_doublelist", ROLE_FIRST, NULL, 0},
    {"torch.jit._pickle", "build_boollist", ROLE_FIRST, NULL, 0},
    {"torch.jit._pickle", "build_tensorlist", ROLE_FIRST, NULL, 0},
    {"torch.jit._pickle", "restore_type_tag", ROLE_FIRST, NULL, 0},
    {"torch", "device", ROLE_DEVICE, NULL, 0},
    {"torch", "FloatStorage", ROLE_STORAGE, "F32", 32},
    {"torch", "HalfStorage", ROLE_STORAGE, "F16", 16},
    {"torch", "BFloat16Storage", ROLE_STORAGE, "BF16", 16},
    {"torch", "DoubleStorage", ROLE_STORAGE, "F64", 64},
    {"torch", "LongStorage", ROLE_STORAGE, "I64", 64},
    {"torch", "IntStorage", ROLE_STORAGE, "I32", 32},
    {"torch", "ShortStorage", ROLE_STORAGE, "I16", 16},
    {"torch", "CharStorage", ROLE_STORAGE, "I8", 8},
    {"torch", "ByteStorage", ROLE_STORAGE, "U8", 8},
    {"torch", "BoolStorage", ROLE_STORAGE, "BOOL", 8},
    {"torch", "ComplexFloatStorage", ROLE_STORAGE, "C64", 64},
    {"torch", "UntypedStorage", ROLE_STORAGE, "U8", 8},
    {"torch.storage", "UntypedStorage", ROLE_STORAGE, "U8", 8},
    {"torch", "float32", ROLE_DTYPE, "F32", 32},
    {"torch", "float16", ROLE_DTYPE, "F16", 16},
    {"torch", "bfloat16", ROLE_DTYPE, "BF16", 16},
    {"torch", "float64", ROLE_DTYPE, "F64", 64},
    {"torch", "int64", ROLE_DTYPE, "I64", 64},
    {"torch", "int32", ROLE_DTYPE, "I32", 32},
    {"torch", "int16", ROLE_DTYPE, "I16", 16},
    {"torch", "int8", ROLE_DTYPE, "I8", 8},
    {"torch", "uint64", ROLE_DTYPE, "U64", 64},
    {"torch", "uint32", ROLE_DTYPE, "U32", 32},
    {"torch", "uint16", ROLE_DTYPE, "U16", 16},
    {"torch", "uint8", ROLE_DTYPE, "U8", 8},
    {"torch", "bool", ROLE_DTYPE, "BOOL", 8},
    {"torch", "float8_e4m3fn", ROLE_DTYPE, "F8_E4M3", 8},
    {"torch", "float8_e5m2", ROLE_DTYPE, "F8_E5M2", 8},
};

/* Modules that TorchScript made lie in a package of their own. */
#define SCRIPTED "__torch__"
static const struct pickle_global scripted = {SCRIPTED, "", ROLE_CLASS, NULL, 0};

static bool is(const char *text, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(text, word, n) == 0;
}

/* The activation of a model shows in the names of its modules' classes. */
static void note_class(struct pickle *p, const char *name, size_t n)
{
    p->gelu |= is(name, n, "QuickGELU") ? PICKLE_QUICK_GELU : is(name, n, "GELU") ? PICKLE_GELU : 0;
}

int pickle_find_global(struct pickle *p, const char *module, size_t m, const char *name, size_t n,
                       struct pickle_value **out)
{
    const struct pickle_global *found = NULL;
    size_t prefix = strlen(SCRIPTED);

    for (size_t i = 0; i < sizeof globals / sizeof globals[0] && found == NULL; i++) {
        found =
            is(module, m, globals[i].module) && is(name, n, globals[i].name) ? &globals[i] : NULL;
    }
    if (m >= prefix && memcmp(module, SCRIPTED, prefix) == 0 &&
        (m == prefix || module[prefix] == '.')) {
        found = &scripted;
        note_class(p, name, n);
    }
    if (found == NULL) {
        return base_fail(CLIPC_ERROR_UNSUPPORTED,
                         "%s: its pickle asks Python for %.*s.%.*s: only what tensors need is "
                         "known here, and nothing is ever run; save the model's state_dict() alone",
                         p->what, (int)(m < 100 ? m : 100), module, (int)(n < 100 ? n : 100), name);
    }
    *out = pickle_new(p, PICKLE_GLOBAL);
    if (*out == NULL) {
        return CLIPC_ERROR_LIMIT;
    }
    (*out)->u.global = found;
    return CLIPC_OK;
}

static int bad(const struct pickle *p, const char *why)
{
    return base_fail(CLIPC_ERROR_FORMAT, "%s: damaged: its pickle %s", p->what, why);
}

/* ---- Containers ------------------------------------------------------------------------------ */

/* OrderedDict(), or of a list of pairs (Python 2). */
static int make_dict(struct pickle *p, const struct pickle_value *args, struct pickle_value **out)
{
    const struct pickle_value *pairs = args->u.list.n > 0 ? args->u.list.items[0] : NULL;
    int status = CLIPC_OK;

    *out = pickle_new(p, PICKLE_DICT);
    if (*out == NULL) {
        return CLIPC_ERROR_LIMIT;
    }
    if (pairs != NULL && pairs->kind != PICKLE_LIST) {
        return bad(p, "makes a dict of what is no list");
    }
    for (size_t i = 0; pairs != NULL && i < pairs->u.list.n && status == CLIPC_OK; i++) {
        const struct pickle_value *pair = pairs->u.list.items[i];
        if (pair->kind != PICKLE_LIST || pair->u.list.n != 2) {
            return bad(p, "makes a dict of what are no pairs");
        }
        status = pickle_push(p, *out, pair->u.list.items[0]);
        if (status == CLIPC_OK) {
            status = pickle_push(p, *out, pair->u.list.items[1]);
        }
    }
    return status;
}

int pickle_make_object(struct pickle *p, const struct pickle_value *class,
                       struct pickle_value **out)
{
    if (class->kind != PICKLE_GLOBAL || class->u.global->role != ROLE_CLASS) {
        return bad(p, "makes an object of what is no class of TorchScript");
    }
    *out = pickle_new(p, PICKLE_OBJECT);
    return *out != NULL ? CLIPC_OK : CLIPC_ERROR_LIMIT;
}

int pickle_build(struct pickle *p, struct pickle_value *object, struct pickle_value *state)
{
    if (object->kind == PICKLE_OBJECT) {
        object->u.state = state;
        return CLIPC_OK;
    }
    /* An OrderedDict's attributes: _metadata, the versions of the modules. */
    return object->kind == PICKLE_DICT ? CLIPC_OK : bad(p, "sets the state of what has none");
}

/* ---- Tensors --------------------------------------------------------------------------------- */

static bool take_sizes(const struct pickle_value *list, int64_t *sizes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (list->u.list.items[i]->kind != PICKLE_WHOLE) {
            return false;
        }
        sizes[i] = list->u.list.items[i]->u.whole;
    }
    return true;
}

static int make_tensor(struct pickle *p, const struct pickle_value *args, bool v3,
                       struct pickle_value **out)
{
    struct pickle_value **a = args->u.list.items;
    struct pickle_tensor t = {0};

    if (args->u.list.n < (v3 ? 7 : 4) || a[0]->kind != PICKLE_STORAGE ||
        a[1]->kind != PICKLE_WHOLE || a[2]->kind != PICKLE_LIST || a[3]->kind != PICKLE_LIST) {
        return bad(p, "describes a tensor without storage, offset, size and stride");
    }
    t.storage = a[0]->u.storage;
    t.dtype = t.storage->dtype;
    t.bits = t.storage->bits;
    t.offset = a[1]->u.whole;
    t.n_dims = a[2]->u.list.n;
    if (v3) {
        if (a[6]->kind != PICKLE_GLOBAL || a[6]->u.global->role != ROLE_DTYPE) {
            return bad(p, "describes a tensor without a dtype");
        }
        t.dtype = a[6]->u.global->dtype;
        t.bits = a[6]->u.global->bits;
    }
    if (t.n_dims > TENSOR_MAX_DIMS || a[3]->u.list.n != t.n_dims ||
        !take_sizes(a[2], t.shape, t.n_dims) || !take_sizes(a[3], t.stride, t.n_dims)) {
        return bad(p, "describes a tensor whose size and stride are not equally many whole numbers "
                      "(8 at most)");
    }
    *out = pickle_new(p, PICKLE_OTHER);
    struct pickle_tensor *copy = *out != NULL ? malloc(sizeof *copy) : NULL;
    if (copy == NULL) {
        return *out == NULL ? CLIPC_ERROR_LIMIT
                            : base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", p->what);
    }
    *copy = t;
    (*out)->kind = PICKLE_TENSOR;
    (*out)->u.tensor = copy;
    return CLIPC_OK;
}

/* view: (key, first, count) of a part of a storage, as old files have it; anything else: none. */
static int take_view(struct pickle *p, const struct pickle_value *view, struct pickle_storage *s)
{
    int64_t sizes[2];

    if (view->kind != PICKLE_LIST) {
        return CLIPC_OK;
    }
    if (view->u.list.n != 3 || view->u.list.items[1]->kind != PICKLE_WHOLE ||
        view->u.list.items[2]->kind != PICKLE_WHOLE) {
        return bad(p, "describes a part of a storage without its place");
    }
    sizes[0] = view->u.list.items[1]->u.whole;
    sizes[1] = view->u.list.items[2]->u.whole;
    if (sizes[0] < 0 || sizes[0] > s->count || sizes[1] < 0 || sizes[1] > s->count - sizes[0]) {
        return bad(p, "describes a part of a storage that lies outside of it");
    }
    s->first = sizes[0];
    s->count = sizes[1];
    return CLIPC_OK;
}

/* ("storage", class, key, device, elements) and, of old, a view. */
int pickle_load_storage(struct pickle *p, const struct pickle_value *id, struct pickle_value **out)
{
    struct pickle_value **a = id->u.list.items;
    struct pickle_storage s = {0};

    if (id->kind != PICKLE_LIST || id->u.list.n < 5 || a[0]->kind != PICKLE_TEXT ||
        !is(a[0]->u.text.bytes, a[0]->u.text.n, "storage") || a[1]->kind != PICKLE_GLOBAL ||
        a[1]->u.global->role != ROLE_STORAGE || a[2]->kind != PICKLE_TEXT ||
        a[4]->kind != PICKLE_WHOLE || a[4]->u.whole < 0) {
        return bad(p, "refers to what is no storage of a tensor");
    }
    s.dtype = a[1]->u.global->dtype;
    s.bits = a[1]->u.global->bits;
    s.key = a[2]->u.text.bytes;
    s.key_bytes = a[2]->u.text.n;
    s.count = s.whole_count = a[4]->u.whole;
    int status = id->u.list.n > 5 ? take_view(p, a[5], &s) : CLIPC_OK;
    *out = status == CLIPC_OK ? pickle_new(p, PICKLE_OTHER) : NULL;
    struct pickle_storage *copy = *out != NULL ? malloc(sizeof *copy) : NULL;
    if (copy == NULL) {
        return status != CLIPC_OK || *out == NULL
                   ? CLIPC_ERROR_FORMAT
                   : base_fail(CLIPC_ERROR_MEMORY, "%s: out of memory", p->what);
    }
    s.next = p->storages;
    *copy = s;
    p->storages = copy;
    (*out)->kind = PICKLE_STORAGE;
    (*out)->u.storage = copy;
    return CLIPC_OK;
}

int pickle_call(struct pickle *p, const struct pickle_value *callee, struct pickle_value *args,
                struct pickle_value **out)
{
    int role = callee->kind == PICKLE_GLOBAL ? callee->u.global->role : ROLE_CLASS;

    switch (role) {
    case ROLE_DICT:
        return make_dict(p, args, out);
    case ROLE_TENSOR:
    case ROLE_TENSOR_V3:
        return make_tensor(p, args, role == ROLE_TENSOR_V3, out);
    case ROLE_FIRST:
        *out = args->u.list.n > 0 ? args->u.list.items[0] : NULL;
        return *out != NULL ? CLIPC_OK : bad(p, "calls without arguments");
    case ROLE_DEVICE:
        *out = pickle_new(p, PICKLE_OTHER);
        return *out != NULL ? CLIPC_OK : CLIPC_ERROR_LIMIT;
    default:
        return bad(p, "calls what is no function");
    }
}
