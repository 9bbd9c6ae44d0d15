// SPDX-License-Identifier: GPL-2.0
/*
 * cowbench: a device for live tests in a virtual machine, which does what no system call does: holds the pages of the
 * calling process as O_DIRECT, a device's DMA or a read-only long-term registration do (src/sim/want.ts), reads and stores
 * through these, and has page frames reclaimed whoever maps them. Linux 5.6 to 7.3. Not for machines that one cares for.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/page-flags.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include "device.h"

/* Block direct I/O pins from 6.5 on (iov_iter_extract_pages()). */
#define ODIRECT_PINS (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0))
/* The first pass only finds out who has used the page; what is clean in the swapcache of a disk goes with the third. */
#define PASSES 3

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 8, 0)
#define mmap_read_lock(mm) down_read(&(mm)->mmap_sem)
#define mmap_read_unlock(mm) up_read(&(mm)->mmap_sem)
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 18, 0)
#define PageSwapCache(page) folio_test_swapcache(page_folio(page))
#define page_mapped(page) folio_mapped(page_folio(page))
#endif

struct held {
	u32 kind;
	u64 pages;
	struct page **page;
};

static struct held held[COWBENCH_PINS];
static DEFINE_MUTEX(lock);

/* mm/ does not export them. */
static int (*isolate)(struct page *page);
static unsigned long (*reclaim)(struct list_head *pages, bool ignore_references);
static void (*drain)(void);

static bool uses_foll_pin(u32 kind)
{
	return kind != COWBENCH_ODIRECT || ODIRECT_PINS;
}

static long take(struct page **pages, const struct cowbench_request *r)
{
	long n;

	switch (r->kind) {
	case COWBENCH_ODIRECT:
		return ODIRECT_PINS ? pin_user_pages_fast(r->addr, r->pages, FOLL_WRITE, pages) :
				      get_user_pages_fast(r->addr, r->pages, FOLL_WRITE, pages);
	case COWBENCH_DMAPIN:
		return pin_user_pages_fast(r->addr, r->pages, FOLL_WRITE, pages);
	case COWBENCH_ROPIN:
		mmap_read_lock(current->mm);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
		n = pin_user_pages(r->addr, r->pages, FOLL_LONGTERM, pages);
#else
		n = pin_user_pages(r->addr, r->pages, FOLL_LONGTERM, pages, NULL);
#endif
		mmap_read_unlock(current->mm);
		return n;
	default:
		return -EINVAL;
	}
}

/* As bio_release_pages() and ib_umem_release(): what a device may have stored to is dirty. */
static void give_back(struct page **pages, u64 n, u32 kind)
{
	bool dirty = kind != COWBENCH_ROPIN;
	u64 i;

	if (uses_foll_pin(kind)) {
		unpin_user_pages_dirty_lock(pages, n, dirty);
		return;
	}
	for (i = 0; i < n; i++) {
		set_page_dirty_lock(pages[i]);
		put_page(pages[i]);
	}
}

static void drop(struct held *h)
{
	if (!h->page)
		return;
	give_back(h->page, h->pages, h->kind);
	kvfree(h->page);
	h->page = NULL;
}

static long pin(struct held *h, const struct cowbench_request *r)
{
	struct page **pages;
	long n;

	if (h->page)
		return -EBUSY;
	pages = kvmalloc_array(r->pages, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	n = take(pages, r);
	if (n != (long)r->pages) {
		if (n > 0) {
			/* Nothing was stored: as bio_iov_iter_get_pages() gives back what it does not use. */
			if (uses_foll_pin(r->kind))
				unpin_user_pages(pages, n);
			else
				release_pages(pages, n);
		}
		kvfree(pages);
		return n < 0 ? n : -EFAULT;
	}
	*h = (struct held){ r->kind, r->pages, pages };
	return 0;
}

static long transfer(struct held *h, struct cowbench_request *r, bool store)
{
	u64 *word;

	if (!h->page || r->index >= h->pages)
		return -EINVAL;
	word = page_address(h->page[r->index]);
	if (store)
		WRITE_ONCE(*word, r->token);
	else
		r->token = READ_ONCE(*word);
	return 0;
}

static bool has_mapping(struct page *page)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 16, 0)
	return page_folio(page)->mapping;
#else
	return page->mapping;
#endif
}

/*
 * Small pages of a process, a file or shared memory; large folios, which MADV_PAGEOUT takes, only out of the swapcache.
 */
static struct page *reclaimable(u64 pfn)
{
	struct page *page = pfn && pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;

	if (!page || !PageLRU(page) || PageTail(page) || !(has_mapping(page) || PageSwapCache(page)))
		return NULL;
	if (PageHead(page) && (!PageSwapCache(page) || page_mapped(page)))
		return NULL;
	return get_page_unless_zero(page) ? page : NULL;
}

static long reclaim_frames(const struct cowbench_request *r)
{
	u64 *pfns = kvmalloc_array(r->pages, sizeof(*pfns), GFP_KERNEL);
	int pass;
	u64 i;

	if (!pfns)
		return -ENOMEM;
	if (copy_from_user(pfns, u64_to_user_ptr(r->addr), r->pages * sizeof(*pfns))) {
		kvfree(pfns);
		return -EFAULT;
	}
	for (pass = 0; pass < PASSES; pass++) {
		LIST_HEAD(pages);

		/* As madvise() does: what the last pass has put back is in a batch. */
		drain();
		for (i = 0; i < r->pages; i++) {
			struct page *page = reclaimable(pfns[i]);

			if (!page)
				continue;
			/* It returned an error number, and returns a bool since 6.3. */
			isolate(page);
			if (!PageLRU(page))
				list_add_tail(&page->lru, &pages);
			put_page(page);
		}
		reclaim(&pages, false);
		for (i = 0; i < r->pages; i++)
			while (pfns[i] && pfn_valid(pfns[i]) && PageWriteback(pfn_to_page(pfns[i])))
				usleep_range(100, 1000);
	}
	kvfree(pfns);
	return 0;
}

static long cowbench_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	struct cowbench_request r;
	struct held *h;
	long error;

	if (copy_from_user(&r, (void __user *)arg, sizeof(r)))
		return -EFAULT;
	if (r.id >= COWBENCH_PINS || r.pages > COWBENCH_MOST_PAGES)
		return -EINVAL;
	h = &held[r.id];
	mutex_lock(&lock);
	switch (command) {
	case COWBENCH_PIN:
		error = pin(h, &r);
		break;
	case COWBENCH_UNPIN:
		drop(h);
		error = 0;
		break;
	case COWBENCH_READ:
	case COWBENCH_STORE:
		error = transfer(h, &r, command == COWBENCH_STORE);
		break;
	case COWBENCH_RECLAIM:
		error = reclaim_frames(&r);
		break;
	default:
		error = -ENOTTY;
	}
	mutex_unlock(&lock);
	if (!error && copy_to_user((void __user *)arg, &r, sizeof(r)))
		return -EFAULT;
	return error;
}

/* The last descriptor of all processes: nobody is left who could ask for them. */
static int cowbench_release(struct inode *inode, struct file *file)
{
	int i;

	for (i = 0; i < COWBENCH_PINS; i++)
		drop(&held[i]);
	return 0;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = cowbench_ioctl,
	.release = cowbench_release,
};

static struct miscdevice device = { MISC_DYNAMIC_MINOR, "cowbench", &operations };

static void *address_of(const char *name)
{
	struct kprobe probe = { .symbol_name = name };
	void *address;

	if (register_kprobe(&probe) < 0)
		return NULL;
	address = probe.addr;
	unregister_kprobe(&probe);
	return address;
}

static int __init cowbench_init(void)
{
	isolate = address_of("folio_isolate_lru");
	if (!isolate)
		isolate = address_of("isolate_lru_page");
	reclaim = address_of("reclaim_pages");
	drain = address_of("lru_add_drain");
	if (!isolate || !reclaim || !drain)
		return -ENOENT;
	return misc_register(&device);
}

static void __exit cowbench_exit(void)
{
	misc_deregister(&device);
}

module_init(cowbench_init);
module_exit(cowbench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("pins and reclaim on demand, for cowbench's live tests");
