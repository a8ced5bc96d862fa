/* SPDX-License-Identifier: MIT */
#ifndef SERVER_DEV_EMBED_H
#define SERVER_DEV_EMBED_H

/*
 * A file of server/dev/text as bytes of this program: `name` to `name`_end,
 * with a NUL behind. The assembler reads it, from the top of the tree.
 */
#define EMBED(name, file)                                             \
	extern const char name[];                                     \
	extern const char name##_end[];                               \
	__asm__(".pushsection .rodata\n"                              \
		".globl " #name "\n.hidden " #name "\n"               \
		".globl " #name "_end\n.hidden " #name "_end\n" #name \
		":\n.incbin \"server/dev/text/" file "\"\n" #name     \
		"_end:\n.byte 0\n"                                    \
		".popsection\n")

#endif
