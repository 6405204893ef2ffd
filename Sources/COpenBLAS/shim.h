#include <cblas.h>
#include <openblas_config.h>

/// Which kernels OpenBLAS picked for this machine.
char *openblas_get_corename(void);
char *openblas_get_config(void);
void openblas_set_num_threads(int threads);
