// OpenBLAS, which is loaded when it is first asked for: a command that only looks at a store does not wait for it.
#ifndef COPENBLAS_H
#define COPENBLAS_H

/// result = left · right + accumulate · result, all row-major, rows `…_stride` floats apart, either side read transposed
/// where its flag is not 0. On the calling thread.
///
/// result is [rows, columns], left [rows, inner] and right [inner, columns] after transposition.
void openblas_multiply(
    int is_left_transposed, int is_right_transposed, int rows, int columns, int inner, const float *left,
    int left_stride, const float *right, int right_stride, float accumulate, float *result, int result_stride);

/// Has OpenBLAS take the memory that products on so many threads at once need, and keep it.
///
/// Returns 0, or how many bytes the system does not give; nothing is taken then.
long openblas_prepare(int threads);

/// Which kernels OpenBLAS picked for this machine.
const char *openblas_core(void);

/// Its version and options.
const char *openblas_configuration(void);

#endif
