#include "kernel_class.h"

#include <stdlib.h>
#include <string.h>

int kernel_class = KERNEL_CLASS_SSE2;
static int refused = 0;

#if defined(__x86_64__)
static const char *const names[] = {"sse2", "avx2", "avx512"};

static int best_class(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return KERNEL_CLASS_AVX512;
  if (__builtin_cpu_supports("x86-64-v3")) return KERNEL_CLASS_AVX2;
  return KERNEL_CLASS_SSE2;
}
#else
static const char *const names[] = {"plain"};

static int best_class(void) { return 0; }
#endif

__attribute__((constructor)) static void choose(void) {
  const int best = best_class();
  kernel_class = best;
  const char *wanted = getenv("APPRENTICE_KERNELS");
  if (wanted == NULL || *wanted == 0) return;
  refused = 1;
  for (int class = 0; class <= best; class++)
    if (strcmp(wanted, names[class]) == 0) {
      kernel_class = class;
      refused = 0;
    }
}

const char *kernel_class_name(void) { return names[kernel_class]; }

int kernel_class_is_refused(void) { return refused; }
