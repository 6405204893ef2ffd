int apprentice_kernels_placeholder(void);
