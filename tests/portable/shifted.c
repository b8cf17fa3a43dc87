/* Preloaded, it gives torch memory as malloc aligns it, at any multiple of 16, where its own begins
 * at a multiple of 64: products then round as they do for a view into another tensor. (Not less:
 * Fourier transforms take it for granted that complex numbers begin at a multiple of 16.) */
#include <errno.h>
#include <stdlib.h>

extern void *__libc_memalign(size_t, size_t); /* of glibc */

int posix_memalign(void **out, size_t alignment, size_t size) {
  void *block = alignment == 64 ? malloc(size) : __libc_memalign(alignment, size);
  if (block == NULL && size > 0) return ENOMEM;
  *out = block;
  return 0;
}
