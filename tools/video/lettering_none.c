/* lettering_none.c - lettering.h in a build without libass: there is none. */
#include "lettering.h"

#include "../../src/base/base.h"

int lettering_new(struct lettering **lettering)
{
    *lettering = NULL;
    return base_fail(CLIPC_ERROR_UNSUPPORTED, "text on pictures is drawn by libass, which this "
                                              "build has not: install libass-dev, and build again");
}

void lettering_free(struct lettering *lettering)
{
    (void)lettering;
}

void lettering_size(struct lettering *lettering, uint32_t width, uint32_t height)
{
    (void)lettering;
    (void)width;
    (void)height;
}

double lettering_width(struct lettering *lettering, const struct lettering_style *style,
                       const char *text, size_t n, bool *missing)
{
    (void)lettering;
    (void)style;
    (void)text;
    (void)n;
    (void)missing;
    return 0;
}

void lettering_text(struct lettering *lettering, double x, double y,
                    const struct lettering_style *style, const char *text, size_t n)
{
    (void)lettering;
    (void)x;
    (void)y;
    (void)style;
    (void)text;
    (void)n;
}

void lettering_box(struct lettering *lettering, double x, double y, double width, double height,
                   double radius, const struct lettering_style *style)
{
    (void)lettering;
    (void)x;
    (void)y;
    (void)width;
    (void)height;
    (void)radius;
    (void)style;
}

int lettering_draw(struct lettering *lettering, uint8_t *rgb, size_t stride)
{
    (void)lettering;
    (void)rgb;
    (void)stride;
    return 0;
}
