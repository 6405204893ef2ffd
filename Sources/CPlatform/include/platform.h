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

// Exchanges two entries of an open folder in one step.
int platform_exchange_in(int folder, const char *one, const char *other);

// Renames to a name that nothing has; EEXIST where something stands there.
int platform_rename_new(int folder, const char *name, int target_folder, const char *target);

#endif
