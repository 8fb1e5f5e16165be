/* kernel.h - what the two halves of the small kernel share: kernel.c starts the machine and the program,
 * calls.c answers its system calls. */
#ifndef BOCHS_KERNEL_H
#define BOCHS_KERNEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE   4096u
#define MAPPED (512u << 20) /* what start.S maps */
#define HEAP   (48u << 20) /* behind the program, which is linked at 4 MiB: its brk, then all else */
#define TOP    (496u << 20) /* below what the BIOS keeps at the end of 512 MiB */

struct file {
    const char *path;
    const uint8_t *bytes;
    size_t size, at; /* at: where the next read begins */
};

extern struct file kernel_files[16]; /* [0] is the program */
extern size_t kernel_n_files;
extern uint64_t kernel_brk_start, kernel_brk; /* the program's brk, behind its last segment */

void kernel_out(uint16_t port, uint8_t byte);
void kernel_set_msr(uint32_t index, uint64_t value);
void kernel_say_number(const char *what, uint64_t n); /* in hexadecimal */
/* The last line, "@ HOW 0xN", says how the program ended; then the machine stops. */
_Noreturn void kernel_end(const char *how, uint64_t status);
/* Whole pages of zeros, never given back: programs here are short.  0: none left. */
uint64_t kernel_take(uint64_t n);
/* n in whole pages. */
uint64_t kernel_pages(uint64_t n);
/* The register states that CPUID offers; all of them are enabled at the start. */
uint64_t kernel_registers(bool enable);
/* Linux's number and arguments, the last argument first; returns as Linux does. */
int64_t kernel_call(uint64_t number, const uint64_t *last);

void *memset(void *p, int byte, size_t n);
void *memcpy(void *to, const void *from, size_t n);

#endif
