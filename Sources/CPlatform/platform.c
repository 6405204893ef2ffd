#define _GNU_SOURCE
#include "platform.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int platform_syncfs(int descriptor) { return syncfs(descriptor); }

ssize_t platform_copy_file_range(int input, int output, size_t count) {
  return copy_file_range(input, NULL, output, NULL, count, 0);
}

int platform_clone(int input, int output) { return ioctl(output, FICLONE, input); }

int platform_exchange_in(int folder, const char *one, const char *other) {
  return renameat2(folder, one, folder, other, RENAME_EXCHANGE);
}

int platform_rename_new(int folder, const char *name, int target_folder, const char *target) {
  return renameat2(folder, name, target_folder, target, RENAME_NOREPLACE);
}
