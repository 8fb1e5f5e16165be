/* verbs.h - the verbs: one function each, argv[0] is the verb, the result is the exit code. */
#ifndef CLIPC_VERBS_H
#define CLIPC_VERBS_H

int cmd_embed(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_classify(int argc, char **argv);
int cmd_tokenize(int argc, char **argv);
int cmd_preprocess(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_pull(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_selftest(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_moments(int argc, char **argv);
int cmd_bench(int argc, char **argv);

#endif
