#ifndef APPRENTICE_KERNEL_CLASS_H
#define APPRENTICE_KERNEL_CLASS_H

// Which machine code the kernels of this process are: the best that the processor has, unless APPRENTICE_KERNELS
// names another. Classes differ in their bits: SSE2 has no fused multiply-add.

enum { KERNEL_CLASS_SSE2 = 0, KERNEL_CLASS_AVX2 = 1, KERNEL_CLASS_AVX512 = 2 };

/// The class of this process; fixed before main.
extern int kernel_class;

/// `sse2`, `avx2`, `avx512`; `plain` where the processor is of another architecture.
const char *kernel_class_name(void);

/// Whether APPRENTICE_KERNELS names a class that does not exist or that this processor does not have.
int kernel_class_is_refused(void);

#endif
