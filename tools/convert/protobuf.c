/* protobuf.c - numbers of 1 to 10 bytes, and the four kinds of fields that messages of today have;
 * groups, which no file here has, count as damage. */
#include "protobuf.h"

#include "../../src/base/base.h"

static bool take_varint(struct protobuf *p, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && p->at < p->end; shift += 7) {
        unsigned char byte = *p->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

static bool take_value(struct protobuf *p, struct protobuf_field *f)
{
    size_t left;

    if (f->wire == PROTOBUF_VARINT) {
        return take_varint(p, &f->value);
    }
    if (f->wire == PROTOBUF_BYTES && !take_varint(p, &f->value)) {
        return false;
    }
    left = (size_t)(p->end - p->at);
    f->n = f->wire == PROTOBUF_64 ? 8 : f->wire == PROTOBUF_32 ? 4 : 0;
    if (f->wire == PROTOBUF_BYTES && f->value <= left) {
        f->n = (size_t)f->value;
    } else if (f->n == 0 || f->n > left) {
        return false;
    }
    f->bytes = p->at;
    p->at += f->n;
    if (f->wire != PROTOBUF_BYTES) {
        f->value = f->wire == PROTOBUF_64 ? base_u64(f->bytes) : base_u32(f->bytes);
    }
    return true;
}

bool protobuf_next(struct protobuf *p, struct protobuf_field *f)
{
    uint64_t key;

    if (p->at == p->end || p->bad) {
        return false;
    }
    *f = (struct protobuf_field){0};
    p->bad = !take_varint(p, &key) || key >> 3 == 0 || key >> 32 != 0;
    f->number = (uint32_t)(key >> 3);
    f->wire = (enum protobuf_wire)(key & 7);
    p->bad = p->bad || !take_value(p, f);
    return !p->bad;
}
