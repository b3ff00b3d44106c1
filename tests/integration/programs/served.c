/* Write three bytes that stand far from all that was read of this program before. */
#include <unistd.h>

#define FAR (512 * 1024)

static const char page[2 * FAR] __attribute__((aligned(4096))) = { [FAR] = 'o', 'k', '\n' };

int main(void)
{
	return write(1, page + FAR, 3) != 3;
}
