/*
 * Intrusive doubly linked list: the node lives in the element, so membership costs nothing and an
 * element can leave any list in O(1). A node that is in no list points at itself.
 */
#ifndef PLIMSOLL_BASE_LIST_H
#define PLIMSOLL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

/* The element of type T whose member M is the node p. */
#define LIST_OF(p, T, M) ((T *)(void *)((char *)(p)-offsetof(T, M)))

/* Walks the nodes of head; the body must not remove node (use list_pop in a loop for that). */
#define list_each(node, head)                                                                      \
	for (struct list *node = (head)->next; node != (head); node = node->next)

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Puts node, which is in no list, last. */
static inline void list_push(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Takes node out of the list it is in, if any. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Takes the first node out, or NULL. */
static inline struct list *list_pop(struct list *head)
{
	if (list_is_empty(head)) {
		return NULL;
	}
	struct list *node = head->next;
	list_remove(node);
	return node;
}

#endif
