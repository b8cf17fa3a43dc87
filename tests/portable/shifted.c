/* Preloaded, it gives torch memory that begins 8 bytes after a multiple of 16, where its own begins
 * at a multiple of 64: products then round as they do for a view into another tensor. Everything
 * else keeps what the C library gives. For glibc. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

int posix_memalign(void **out, size_t alignment, size_t size) {
  char *block = alignment == 64 ? malloc(size + 8) : __libc_memalign(alignment, size);
  if (block == NULL) return ENOMEM;
  *out = alignment == 64 ? block + 8 : block; /* malloc aligns to 16 */
  return 0;
}

void free(void *block) {
  if (((uintptr_t)block & 15) == 8) block = (char *)block - 8;
  __libc_free(block);
}
