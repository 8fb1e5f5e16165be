/* kernel.c - runs one static program on a bare x86-64, for a CPU that exists only as an emulator: no
 * Linux needs to boot (which takes such an emulator minutes, where it can at all), and every register
 * that the CPU has is the program's, AMX tiles too.  One thread; files are the boot loader's modules;
 * what is written goes to port 0xE9, which Bochs and QEMU print; the program's exit ends the machine.
 *
 * Multiboot gives the modules: the first is the program with its arguments, "PATH ARGUMENT...", the
 * others are files by the path behind their name, "NAME PATH". */
#include "kernel.h"

#include <elf.h>

struct module {
    uint32_t start, end, string, reserved;
};

extern const char exception_entries[], system_call[];
_Noreturn void kernel_start(uint64_t entry, uint64_t stack);
void kernel_main(const uint32_t *information);
_Noreturn void kernel_fault(uint64_t number, const uint64_t *stack);

struct file kernel_files[16];
size_t kernel_n_files;
uint64_t kernel_brk_start, kernel_brk;

/* ---- The machine ------------------------------------------------------------------------------ */

void kernel_out(uint16_t port, uint8_t byte)
{
    __asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"(port));
}

void kernel_set_msr(uint32_t index, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* The compiler calls these two for assignments of structures, too. */
void *memset(void *p, int byte, size_t n)
{
    void *to = p;

    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
    return p;
}

void *memcpy(void *to, const void *from, size_t n)
{
    void *d = to;

    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
    return to;
}

static void say(const char *s)
{
    while (*s != '\0') {
        kernel_out(0xE9, (uint8_t)*s++);
    }
}

void kernel_say_number(const char *what, uint64_t n)
{
    char digits[17];
    size_t i = sizeof digits - 1;

    digits[i] = '\0';
    do {
        digits[--i] = "0123456789abcdef"[n & 15];
        n >>= 4;
    } while (n != 0);
    say(what);
    say(digits + i);
}

/* Bochs stops at this word on this port, QEMU (with an
 * isa-debug-exit at 0x501) at that byte. */
_Noreturn void kernel_end(const char *how, uint64_t status)
{
    say("\n@ ");
    say(how);
    kernel_say_number(" 0x", status);
    say("\n");
    for (const char *s = "Shutdown"; *s != '\0'; s++) {
        kernel_out(0x8900, (uint8_t)*s);
    }
    kernel_out(0x501, (uint8_t)status);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

/* What the kernel cannot run. */
static _Noreturn void refuse(const char *why, uint64_t n)
{
    kernel_say_number(why, n);
    kernel_end("refused", 0);
}

_Noreturn void kernel_fault(uint64_t number, const uint64_t *stack)
{
    /* These push an error code first: 8, 10 to 14, 17, 21. */
    const uint64_t *frame = stack + ((0x00227D00u >> number & 1) != 0);
    uint64_t address;

    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    kernel_say_number("\nkernel: exception 0x", number);
    kernel_say_number(" at 0x", frame[0]);
    kernel_say_number(", address 0x", address);
    kernel_end("killed", number);
}

/* Exceptions to the entries of start.S, 16 bytes each; interrupts stay off. */
static void catch_exceptions(void)
{
    static struct {
        uint16_t low, selector, type, middle;
        uint32_t high, reserved;
    } gates[32];
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } table = {sizeof gates - 1, (uint64_t)gates};

    for (size_t i = 0; i < 32; i++) {
        uint64_t entry = (uint64_t)exception_entries + 16 * i;
        gates[i].low = (uint16_t)entry;
        gates[i].selector = 8;
        gates[i].type = 0x8E00;
        gates[i].middle = (uint16_t)(entry >> 16);
        gates[i].high = (uint32_t)(entry >> 32);
    }
    __asm__ volatile("lidt %0" : : "m"(table));
}

uint64_t kernel_registers(bool enable)
{
    uint32_t a = 13, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (enable) {
        __asm__ volatile("xsetbv" : : "a"(a), "d"(d), "c"(0));
    }
    return (uint64_t)d << 32 | a;
}

/* ---- Memory ----------------------------------------------------------------------------------- */

static uint64_t heap = HEAP;

uint64_t kernel_pages(uint64_t n)
{
    return (n + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

uint64_t kernel_take(uint64_t n)
{
    uint64_t at = heap;

    if (n == 0 || kernel_pages(n) < n || kernel_pages(n) > TOP - heap) {
        return 0;
    }
    heap += kernel_pages(n);
    memset((void *)at, 0, kernel_pages(n));
    return at;
}

/* ---- Start ------------------------------------------------------------------------------------ */

/* The modules, moved to where the program will not lie: the last first, for they lie in order. */
static void take_files(const uint32_t *information)
{
    const struct module *modules = (const struct module *)(uint64_t)information[6];
    uint64_t n = (information[0] & 8) != 0 ? information[5] : 0;

    if (n == 0 || n > sizeof kernel_files / sizeof *kernel_files) {
        refuse("kernel: modules 0x", n);
    }
    for (uint64_t i = n; i-- > 0;) {
        size_t size = modules[i].end - modules[i].start;
        uint64_t at = modules[i].end > HEAP ? 0 : kernel_take(size + 1);
        if (at == 0) {
            refuse("kernel: no room for module 0x", i);
        }
        memcpy((void *)at, (const void *)(uint64_t)modules[i].start, size);
        kernel_files[i] = (struct file){.bytes = (const uint8_t *)at, .size = size};
        const char *string = (const char *)(uint64_t)modules[i].string;
        size_t length = 1;
        while (string[length - 1] != '\0') {
            length++;
        }
        char *copy = (char *)kernel_take(length);
        memcpy(copy, string, length);
        while (i > 0 && *copy != '\0' && *copy++ != ' ') {
        }
        kernel_files[i].path = copy;
    }
    kernel_n_files = n;
}

/* Copies the segments; returns the program's ELF header where it was loaded. */
static const Elf64_Ehdr *load(const struct file *f)
{
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)f->bytes;
    const Elf64_Phdr *p = (const Elf64_Phdr *)(f->bytes + h->e_phoff);

    if (f->size < sizeof *h || h->e_ident[0] != 0x7F || h->e_type != ET_EXEC) {
        refuse("kernel: not a static program at a fixed address: type 0x", h->e_type);
    }
    for (size_t i = 0; i < h->e_phnum; i++) {
        if (p[i].p_type != PT_LOAD) {
            continue;
        }
        if (p[i].p_vaddr < (4u << 20) || p[i].p_vaddr + p[i].p_memsz > HEAP / 2) {
            refuse("kernel: cannot load to 0x", p[i].p_vaddr);
        }
        memcpy((void *)p[i].p_vaddr, f->bytes + p[i].p_offset, p[i].p_filesz);
        memset((void *)(p[i].p_vaddr + p[i].p_filesz), 0, p[i].p_memsz - p[i].p_filesz);
        kernel_brk_start = kernel_brk = kernel_pages(p[i].p_vaddr + p[i].p_memsz);
    }
    return (const Elf64_Ehdr *)p[0].p_vaddr;
}

/* argc, argv, no environment and the auxiliary vector, as the ABI lays them out. */
static uint64_t make_stack(const Elf64_Ehdr *h, char *arguments)
{
    static uint8_t seed[16];
    uint64_t *stack = (uint64_t *)(kernel_take(1 << 20) + (1 << 20)) - 512, *argc = stack,
             *at = stack + 1;

    for (char *s = arguments; *s != '\0';) {
        *at++ = (uint64_t)s;
        ++*argc;
        while (*s != '\0' && *s != ' ') {
            s++;
        }
        while (*s == ' ') {
            *s++ = '\0';
        }
    }
    const uint64_t auxiliary[] = {0,         0,
                                  AT_PAGESZ, PAGE,
                                  AT_PHDR,   (uint64_t)h + h->e_phoff,
                                  AT_PHENT,  h->e_phentsize,
                                  AT_PHNUM,  h->e_phnum,
                                  AT_ENTRY,  h->e_entry,
                                  AT_RANDOM, (uint64_t)seed,
                                  AT_SECURE, 0,
                                  AT_NULL,   0};
    memcpy(at, auxiliary, sizeof auxiliary); /* the first two end argv and the environment */
    return (uint64_t)stack;
}

void kernel_main(const uint32_t *information)
{
    say("\n@ begin\n"); /* what the emulator prints of its own comes before */
    catch_exceptions();
    kernel_registers(true);
    kernel_set_msr(0xC0000081, (uint64_t)8 << 32); /* STAR: the segments of SYSCALL */
    kernel_set_msr(0xC0000082, (uint64_t)system_call);
    kernel_set_msr(0xC0000084, 0x600); /* flags it clears: interrupts, direction */
    take_files(information);
    const Elf64_Ehdr *h = load(&kernel_files[0]);
    kernel_start(h->e_entry, make_stack(h, (char *)kernel_files[0].path));
}
