/* start.S - from the boot loader (Multiboot 1: 32 bits, paging off) to kernel_main in 64 bits, and the
 * doors back into the kernel: exceptions and system calls.  All memory is mapped where it lies, in
 * pages of 4 KiB, so that mprotect can make single ones unreadable. */

#define MAPPED_PAGES 131072 /* 512 MiB */

    .code32
    .text
    .globl _start
    .balign 4
multiboot:
    .long 0x1BADB002, 0x00000001, -(0x1BADB002 + 0x00000001) /* magic, modules on whole pages, sum */

_start:
    cld
    mov $stack_end, %esp
    mov %ebx, information

    mov $page_table, %edi           /* one entry a page: present and writable */
    mov $3, %eax
    mov $MAPPED_PAGES, %ecx
1:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    loop 1b
    mov $page_directory, %edi       /* one entry for 512 pages */
    mov $(page_table + 3), %eax
    mov $(MAPPED_PAGES / 512), %ecx
1:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    loop 1b
    movl $(page_directory + 3), page_directories
    movl $(page_directories + 3), page_root

    mov $page_root, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x40620, %eax               /* PAE, OSFXSR, OSXMMEXCPT, OSXSAVE */
    mov %eax, %cr4
    mov $0xC0000080, %ecx           /* EFER: long mode and SYSCALL */
    rdmsr
    or $0x101, %eax
    wrmsr
    mov %cr0, %eax
    and $~0xC, %eax                 /* no emulation of the FPU, no trap for it */
    or $0x80010022, %eax            /* paging, write protection for the kernel too, MP, NE */
    mov %eax, %cr0
    lgdt descriptors
    ljmp $8, $1f

    .code64
1:  mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $stack_end, %esp
    mov information, %edi
    call kernel_main
1:  hlt
    jmp 1b

/* kernel_start(entry, stack): into the program, which runs with the kernel's rights. */
    .globl kernel_start
kernel_start:
    mov %rsi, %rsp
    xor %edx, %edx
    xor %ebp, %ebp
    jmp *%rdi

/* SYSCALL: number in rax, arguments in rdi, rsi, rdx, r10, r8, r9; rcx and r11 hold where to go on and
 * the flags.  On a stack of its own, because the program may use 128 bytes below its rsp. */
    .globl system_call
system_call:
    mov %rsp, program_stack
    mov $stack_end, %esp
    push %rcx
    push %r11
    push %rdi
    push %rsi
    push %rdx
    push %r10
    push %r8
    push %r9
    mov %rsp, %rsi
    mov %rax, %rdi
    call kernel_call                /* (number, arguments from the last to the first) */
    pop %r9
    pop %r8
    pop %r10
    pop %rdx
    pop %rsi
    pop %rdi
    pop %r11
    pop %rcx
    mov program_stack, %rsp
    push %r11
    popfq
    jmp *%rcx

/* Exceptions end the program: kernel_fault(number, the stack they found). */
    .globl exception_entries
    .balign 16
exception_entries:
    .set number, 0
    .rept 32
    .balign 16
    mov $number, %edi
    jmp exception
    .set number, number + 1
    .endr
exception:
    mov %rsp, %rsi
    mov $stack_end, %esp
    call kernel_fault

    .data
    .balign 8
gdt:
    .quad 0, 0x00AF9A000000FFFF, 0x00CF92000000FFFF /* none, code of 64 bits, data */
descriptors:
    .word . - gdt - 1
    .long gdt, 0

    .bss
    .balign 4096
page_root:
    .skip 4096
page_directories:
    .skip 4096
page_directory:
    .skip 4096
    .globl page_table
page_table:
    .skip MAPPED_PAGES * 8
    .skip 65536
stack_end:
information:
    .skip 8
program_stack:
    .skip 8
    .section .note.GNU-stack, "", @progbits
