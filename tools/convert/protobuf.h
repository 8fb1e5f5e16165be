/* protobuf.h - the wire format of protocol buffers, one field after the other. */
#ifndef CLIPC_PROTOBUF_H
#define CLIPC_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of one message: [end - at]. */
struct protobuf {
    const unsigned char *at, *end;
    bool bad; /* what follows is no field */
};

enum protobuf_wire { PROTOBUF_VARINT = 0, PROTOBUF_64 = 1, PROTOBUF_BYTES = 2, PROTOBUF_32 = 5 };

struct protobuf_field {
    uint32_t number; /* 1 or more */
    enum protobuf_wire wire;
    uint64_t value;             /* of a number */
    const unsigned char *bytes; /* [n] of PROTOBUF_BYTES: a string or a message */
    size_t n;
};

/* The next field; false at the end, or when p->bad. */
bool protobuf_next(struct protobuf *p, struct protobuf_field *field);

#endif
