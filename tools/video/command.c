/* command.c - what is asked of ffmpeg, and above all what it may open. */
#include "command.h"

#include <stdio.h>
#include <string.h>

#include "../../src/base/base.h"

/* Containers that hold what they show.  Not among them: playlists (hls, dash, concat, ...), sdp,
 * names with a pattern (image2), all that a name can make ffmpeg open besides the file. */
static const char containers[] =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,live_flv,mpeg,mpegts,mpegtsraw,mpegvideo,m4v,"
    "h264,hevc,vvc,av1,obu,ivf,vc1,dirac,ogg,asf,asf_o,rm,nut,nsv,nuv,mxf,gxf,dv,wtv,swf,mjpeg,"
    "mjpeg_2000,mpjpeg,smjpeg,yuv4mpegpipe,gif,apng,h261,h263,cavsvideo,lxf,mtv,roq,bink,flic,"
    "rpl,vivo,pva";

static const char filters[] =
    "settb=1/1000000,"
    "metadata=mode=add:key=clipc:value=1,metadata=mode=print:direct=1:file=pipe\\\\:3";

static void add(struct command *c, const char *word)
{
    c->argv[c->n++] = word;
    c->argv[c->n] = NULL;
}

static void add_two(struct command *c, const char *option, const char *value)
{
    add(c, option);
    add(c, value);
}

static void add_webcam(struct command *c, const struct video_options *options)
{
    add_two(c, "-f", "v4l2");
    if (options->rate > 0) {
        snprintf(c->rate, sizeof c->rate, "%g", options->rate);
        add_two(c, "-framerate", c->rate);
    }
    if (options->width > 0) {
        snprintf(c->size, sizeof c->size, "%ux%u", options->width, options->height);
        add_two(c, "-video_size", c->size);
    }
}

/* Before -i: which protocols and formats it may open. */
static void add_input(struct command *c, const struct address *a,
                      const struct video_options *options)
{
    if (a->live) {
        add_two(c, "-fflags", "nobuffer");
    }
    if (a->kind == ADDRESS_WEBCAM) {
        add_webcam(c, options);
    } else if (a->kind == ADDRESS_FILE) {
        add_two(c, "-protocol_whitelist", "file");
        add_two(c, "-format_whitelist", containers);
    } else if (strncmp(a->place, "rtsp", 4) == 0) {
        add_two(c, "-rtsp_transport", "tcp");
        add_two(c, "-protocol_whitelist", "rtsp,rtsps,rtp,srtp,tcp,udp,tls");
    } else {
        add_two(c, "-protocol_whitelist", "http,https,httpproxy,tcp,tls,crypto,udp,rtp,rtmp,srt");
    }
    add_two(c, "-i", c->input);
}

int command_make(struct command *c, const struct address *a, const struct video_options *options)
{
    const char *prefix = a->kind == ADDRESS_FILE ? "file:" : "";
    int n;

    memset(c, 0, sizeof *c);
    if (a->kind == ADDRESS_WEBCAM && strncmp(a->place, "webcam", 6) == 0) {
        n = snprintf(c->input, sizeof c->input, "/dev/video%s",
                     a->place[6] == ':' ? a->place + 7 : "0");
    } else {
        n = snprintf(c->input, sizeof c->input, "%s%s", prefix, a->place);
    }
    if (n >= (int)sizeof c->input) {
        return base_fail(CLIPC_ERROR_LIMIT, "%.100s...: the name is too long", a->place);
    }
    add(c, "ffmpeg");
    add(c, "-nostdin");
    add(c, "-hide_banner");
    add_two(c, "-loglevel", "error");
    add_input(c, a, options);
    add_two(c, "-map", "0:V:0"); /* V: no covers */
    add_two(c, "-vf", filters);
    add_two(c, "-vsync", "passthrough"); /* -fps_mode is its name from 5.1 on; both are known */
    add_two(c, "-f", "image2pipe");
    add_two(c, "-c:v", "ppm");
    add_two(c, "-pix_fmt", "rgb24");
    add(c, "pipe:1");
    return CLIPC_OK;
}
