#ifndef APPRENTICE_PLATFORM_H
#define APPRENTICE_PLATFORM_H

#include <sys/types.h>

// Linux calls that Swift's Glibc module leaves out, since they are macros, variadic or GNU extensions. Each returns
// what the call returns, with errno.

// Writes out all that is dirty on the file system of an open file.
int platform_syncfs(int descriptor);

// Copies bytes between files inside the kernel, from and to their current positions.
ssize_t platform_copy_file_range(int input, int output, size_t count);

// Lets an empty file share the blocks of another (a reflink).
int platform_clone(int input, int output);

// Exchanges two paths in one step.
int platform_exchange(const char *one, const char *other);

#endif
