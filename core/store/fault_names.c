/*
 * See fault_disk.h: names that are not synced, as a journal that is undone from its end.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/fault_priv.h"

static ino_t folder_of(const char *path)
{
	char folder[PATH_SIZE];
	struct stat st;

	snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	*slash = '\0';
	return stat(folder, &st) == 0 ? st.st_ino : 0;
}

static struct fault_name *add_name(enum fault_name_kind kind, const char *path)
{
	if (fault_disk->n_names == NAMES_MAX) {
		fault_broken("too many changes of names");
	}
	struct fault_name *n = &fault_disk->names[fault_disk->n_names++];
	*n = (struct fault_name){ .kind = kind, .folder = folder_of(path) };
	snprintf(n->path, PATH_SIZE, "%s", path);
	return n;
}

static void save(struct fault_name *n, const char *path)
{
	snprintf(n->saved, PATH_SIZE, "%.400s/%u", fault_disk->stash, fault_disk->stashed++);
	if (link(path, n->saved) != 0) {
		n->saved[0] = '\0';
	}
}

void fault_disk_created(const char *path)
{
	add_name(NAME_CREATED, path);
}

void fault_disk_will_remove(const char *path)
{
	save(add_name(NAME_REMOVED, path), path);
}

void fault_disk_renamed(const char *from, const char *to)
{
	/* What stood at the target was noted as removed before; this is the move alone. */
	struct fault_name *n = add_name(NAME_RENAMED, from);

	snprintf(n->to, PATH_SIZE, "%s", to);
}
