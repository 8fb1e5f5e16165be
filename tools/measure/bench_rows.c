/* bench_rows.c - the figures of `clipc bench` as JSON and as CSV, both by one table of their
 * names. */
#include <math.h>
#include <string.h>

#include "bench.h"

struct field {
    const char *name;
    size_t at;
    bool text;
};

#define TEXT(name, member)                                                                         \
    {                                                                                              \
        name, offsetof(struct bench_row, member), true                                             \
    }
#define NUMBER(name, member)                                                                       \
    {                                                                                              \
        name, offsetof(struct bench_row, member), false                                            \
    }

static const struct field fields[] = {
    TEXT("set", set),
    TEXT("gemm", gemm),
    TEXT("model", model),
    TEXT("input", input),
    TEXT("dtype", dtype),
    TEXT("precision", precision),
    TEXT("compiler", compiler),
    NUMBER("block", block),
    NUMBER("batch", batch),
    NUMBER("threads", threads),
    NUMBER("rows", rows),
    NUMBER("in", in),
    NUMBER("out", out),
    NUMBER("calls", calls),
    NUMBER("operations", operations),
    NUMBER("bytes", bytes),
    NUMBER("begins_ms", begins),
    NUMBER("ms", ms),
    NUMBER("least_ms", least),
    NUMBER("p95_ms", p95),
    NUMBER("cpu_ms", cpu),
    NUMBER("spread", spread),
    NUMBER("per_second", per_second),
    NUMBER("gflops", gflops),
    NUMBER("peak_gflops", peak),
    NUMBER("share", share),
    NUMBER("gbs", gbs),
    NUMBER("memory_gbs", bandwidth),
    NUMBER("memory_share", memory_share),
    TEXT("limit", limit),
    NUMBER("times_faster", against),
    NUMBER("memory", memory),
    NUMBER("unpacked", unpacked),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static const char *text_of(const struct bench_row *row, const struct field *f)
{
    const char *text;

    memcpy(&text, (const char *)row + f->at, sizeof text);
    return text;
}

static double number_of(const struct bench_row *row, const struct field *f)
{
    double number;

    memcpy(&number, (const char *)row + f->at, sizeof number);
    return number;
}

struct bench_row bench_row_new(const char *kind, const char *name)
{
    const double nothing = (double)NAN;
    struct bench_row row;

    memset(&row, 0, sizeof row);
    for (size_t i = 0; i < FIELDS; i++) {
        if (!fields[i].text) {
            memcpy((char *)&row + fields[i].at, &nothing, sizeof nothing);
        }
    }
    row.kind = kind;
    row.name = name;
    return row;
}

static void csv_text(FILE *f, const char *text)
{
    if (text == NULL) {
        return;
    }
    putc('"', f);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            putc('"', f);
        }
        putc(*text, f);
    }
    putc('"', f);
}

void bench_csv_head(FILE *f)
{
    fputs("kind,name", f);
    for (size_t i = 0; i < FIELDS; i++) {
        fprintf(f, ",%s", fields[i].name);
    }
    putc('\n', f);
}

static void put_csv(FILE *f, const struct bench_row *row)
{
    csv_text(f, row->kind);
    putc(',', f);
    csv_text(f, row->name);
    for (size_t i = 0; i < FIELDS; i++) {
        putc(',', f);
        if (fields[i].text) {
            csv_text(f, text_of(row, &fields[i]));
        } else if (isfinite(number_of(row, &fields[i]))) {
            fprintf(f, "%.9g", number_of(row, &fields[i]));
        }
    }
    putc('\n', f);
}

/* {"encode": "image", "set": ...}: the kind is the name of the first member. */
static void put_json(struct json_records *records, const struct bench_row *row)
{
    FILE *f = records->f;

    json_records_next(records);
    fprintf(f, "{\"%s\": ", row->kind);
    json_put_c_string(f, row->name);
    for (size_t i = 0; i < FIELDS; i++) {
        const char *text = fields[i].text ? text_of(row, &fields[i]) : NULL;
        if (text != NULL) {
            fprintf(f, ", \"%s\": ", fields[i].name);
            json_put_c_string(f, text);
        } else if (!fields[i].text && isfinite(number_of(row, &fields[i]))) {
            fprintf(f, ", \"%s\": ", fields[i].name);
            json_put_float(f, number_of(row, &fields[i]));
        }
    }
    putc('}', f);
}

void bench_put(struct bench *bench, const struct bench_row *row)
{
    if (bench->cli->json) {
        put_json(&bench->records, row);
    }
    if (bench->csv != NULL) {
        put_csv(bench->csv, row);
    }
}

void bench_judge(struct bench_row *row)
{
    double seconds = 1e-3 * row->ms;

    row->gflops = 1e-9 * row->operations / seconds;
    row->gbs = 1e-9 * row->bytes / seconds;
    row->share = row->peak > 0 ? row->gflops / row->peak : (double)NAN;
    row->memory_share = row->bandwidth > 0 ? row->gbs / row->bandwidth : (double)NAN;
    if (row->peak > 0 && row->bandwidth > 0) {
        bool compute = row->operations / row->peak >= row->bytes / row->bandwidth;
        row->limit = compute ? "compute" : "memory";
    }
}

void bench_times(struct bench_row *row, double *seconds, size_t n)
{
    double median = roof_median(seconds, n);

    row->ms = 1e3 * median;
    row->least = 1e3 * seconds[0];
    row->p95 = 1e3 * roof_quantile(seconds, n, 0.95);
    row->spread = (roof_quantile(seconds, n, 0.75) - roof_quantile(seconds, n, 0.25)) / median;
}
