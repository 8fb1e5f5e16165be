/* openai.h - the constants of openai/CLIP that its followers share. */
#ifndef CLIPC_OPENAI_H
#define CLIPC_OPENAI_H

/* Mean and standard deviation of a pixel's channels, of 1: clip/clip.py, _transform. */
#define OPENAI_MEAN                                                                                \
    {                                                                                              \
        0.48145466f, 0.4578275f, 0.40821073f                                                       \
    }
#define OPENAI_STD                                                                                 \
    {                                                                                              \
        0.26862954f, 0.26130258f, 0.27577711f                                                      \
    }

/* Tokens of bpe_simple_vocab_16e6: 2 * 256 bytes, 48,894 merges, start and end. */
#define OPENAI_VOCAB 49408u

/* The range of cosines between pictures and texts that such models give. */
#define OPENAI_DISPLAY_LOW  0.15f
#define OPENAI_DISPLAY_HIGH 0.4f

/* How the two special tokens are spelled, and how OpenCLIP's own tokenizer spells them. */
#define OPENAI_START   "<|startoftext|>"
#define OPENAI_END     "<|endoftext|>"
#define OPENCLIP_START "<start_of_text>"
#define OPENCLIP_END   "<end_of_text>"

#endif
