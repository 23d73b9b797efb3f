/* SPDX-License-Identifier: MIT */
/*
 * places.c - addresses in words.
 *
 * Lines, and functions that were put into others, come from addr2line, which is started once for each object file
 * that has any of the addresses. Without it, and for variables, there is the symbol table. Programs may be loaded
 * anywhere: both want addresses as they are in the file.
 */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "places.h"

extern char **environ;

static void *grown(void *memory, size_t size)
{
	void *const more = realloc(memory, size);

	if (more == NULL)
		abort();
	return more;
}

static char *copied(const char *text)
{
	return strcpy(grown(NULL, strlen(text) + 1), text);
}

/* ---- object files that are loaded ---- */

struct object {
	uintptr_t base; /* added to the file's addresses */
	char path[256];
	char *image; /* of the file, NULL: not looked at, or not to be had */
	const ElfW(Sym) * symbols;
	size_t n_symbols;
	const char *names;
};

static bool lies_in(const struct dl_phdr_info *info, uintptr_t address)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD &&
		    address - info->dlpi_addr - info->dlpi_phdr[i].p_vaddr < info->dlpi_phdr[i].p_memsz)
			return true;
	return false;
}

struct wanted {
	uintptr_t address;
	struct object object;
	bool first, found;
};

/* The program itself comes first and has no name. Its file may have been replaced; /proc has the one that runs. */
static int find_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct wanted *const wanted = arg;

	(void)size;
	if (lies_in(info, wanted->address)) {
		wanted->found = true;
		wanted->object.base = info->dlpi_addr;
		if (wanted->first)
			snprintf(wanted->object.path, sizeof(wanted->object.path), "/proc/%d/exe", (int)getpid());
		else
			snprintf(wanted->object.path, sizeof(wanted->object.path), "%s", info->dlpi_name);
	}
	wanted->first = false;
	return wanted->found;
}

static struct object *objects;
static size_t n_objects;

static void read_symbols(struct object *object)
{
	const int file = open(object->path, O_RDONLY | O_CLOEXEC);
	const ElfW(Ehdr) * header;
	const ElfW(Shdr) * sections;
	struct stat stat;
	void *image;

	if (file < 0)
		return;
	image = fstat(file, &stat) == 0 ? mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, file, 0)
					: MAP_FAILED;
	close(file);
	if (image == MAP_FAILED)
		return;
	object->image = image;
	header = image;
	sections = (const void *)(object->image + header->e_shoff);
	for (unsigned i = 0; header->e_shoff != 0 && i < header->e_shnum; i++)
		if (sections[i].sh_type == SHT_SYMTAB) {
			object->symbols = (const void *)(object->image + sections[i].sh_offset);
			object->n_symbols = sections[i].sh_size / sizeof(*object->symbols);
			object->names = object->image + sections[sections[i].sh_link].sh_offset;
		}
}

/* Return: its index. */
static size_t object_of(const void *address, bool *found)
{
	struct wanted wanted = { .address = (uintptr_t)address, .first = true };

	dl_iterate_phdr(find_object, &wanted);
	*found = wanted.found;
	for (size_t i = 0; i < n_objects && wanted.found; i++)
		if (objects[i].base == wanted.object.base && strcmp(objects[i].path, wanted.object.path) == 0)
			return i;
	if (!wanted.found)
		return 0;
	objects = grown(objects, (n_objects + 1) * sizeof(*objects));
	objects[n_objects] = wanted.object;
	read_symbols(&objects[n_objects]);
	return n_objects++;
}

/* Return: its name; NULL: none. */
static const char *symbol_at(const void *address, unsigned char type, size_t *offset)
{
	const char *name = NULL;
	bool found;
	const size_t index = object_of(address, &found);

	for (size_t i = 0; found && i < objects[index].n_symbols; i++) {
		const ElfW(Sym) *const each = &objects[index].symbols[i];
		const size_t at = (uintptr_t)address - objects[index].base - each->st_value;

		/* st_info is made in the same way for both sizes of word. */
		if (each->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(each->st_info) == type && at < each->st_size) {
			name = objects[index].names + each->st_name;
			*offset = at;
		}
	}
	return name;
}

bool places_variable(const void *address, char *text, size_t size)
{
	size_t offset;
	const char *const name = symbol_at(address, STT_OBJECT, &offset);

	if (name == NULL)
		return false;
	if (offset == 0)
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, "%s+%zu", name, offset);
	return true;
}

/* ---- what was looked up ---- */

struct entry {
	struct places places;
	struct place *at;
	size_t object;
	bool in_object, done;
};

static struct entry *entries;
static size_t n_entries;

const struct places *places_of(const void *pc)
{
	for (size_t i = 0; i < n_entries && pc != NULL; i++)
		if (entries[i].places.pc == pc)
			return &entries[i].places;
	return NULL;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* build.sh has the compiler write /weft for the source's directory. */
static enum owner owner_of(const char *path)
{
	if (begins(path, "/weft/lib/") || strstr(path, "/include/weft/") != NULL)
		return OWNER_WEFT;
	if (begins(path, "/weft/stress/explore/") && !begins(path, "/weft/stress/explore/scenario"))
		return OWNER_EXPLORER;
	return OWNER_USER;
}

static void add_place(struct entry *entry, const char *function, char *where)
{
	char *colon = strrchr(where, ':'), *slash;
	struct place *place;

	entry->at = grown(entry->at, (entry->places.n + 1) * sizeof(*entry->at));
	place = &entry->at[entry->places.n++];
	entry->places.at = entry->at;
	*place = (struct place){ .function = *function != '?' ? copied(function) : NULL };
	if (colon == NULL || *where == '?')
		return;
	*colon = '\0';
	place->line = (unsigned)strtoul(colon + 1, NULL, 10);
	place->owner = owner_of(where);
	slash = strrchr(where, '/');
	place->file = copied(slash != NULL ? slash + 1 : where);
}

/* ---- addr2line ---- */

/* Its answer: for each address a line "0x...", then two lines for each place: the function, file:line. */
static void read_answer(FILE *answer, size_t object)
{
	char line[1024], function[1024] = "";
	struct entry *entry = NULL;
	unsigned n = 0;

	while (fgets(line, sizeof(line), answer) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (begins(line, "0x")) {
			const uintptr_t address = (uintptr_t)strtoull(line, NULL, 16) + objects[object].base + 1;

			entry = NULL;
			for (size_t i = 0; i < n_entries; i++)
				if ((uintptr_t)entries[i].places.pc == address && !entries[i].done)
					entry = &entries[i];
			n = 0;
		} else if (n++ % 2 == 0) {
			snprintf(function, sizeof(function), "%s", line);
		} else if (entry != NULL) {
			add_place(entry, function, line);
		}
	}
}

/* Return: its standard output; NULL: it cannot be started. */
static FILE *start(char **words, pid_t *child)
{
	posix_spawn_file_actions_t actions;
	FILE *answer = NULL;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(child, words[0], &actions, NULL, words, environ) == 0)
		answer = fdopen(ends[0], "r");
	else
		close(ends[0]);
	close(ends[1]);
	posix_spawn_file_actions_destroy(&actions);
	return answer;
}

static void ask(size_t object)
{
	/* The first knows what clang writes by itself, DWARF 5, better than the second of 2023 does. */
	static char llvm[] = "llvm-addr2line", gnu[] = "addr2line";
	static char *const programs[] = { llvm, gnu };
	char **words = NULL;
	size_t n = 0;
	FILE *answer = NULL;
	pid_t child;

	words = grown(NULL, (n_entries + 6) * sizeof(*words));
	words[n++] = NULL; /* the program */
	words[n++] = copied("-afi");
	words[n++] = copied("-e");
	words[n++] = copied(objects[object].path);
	for (size_t i = 0; i < n_entries; i++)
		if (entries[i].in_object && entries[i].object == object && !entries[i].done) {
			char text[32];

			/* It is where a call returns to: one less is in the call. */
			snprintf(text, sizeof(text), "0x%zx",
				 (size_t)((uintptr_t)entries[i].places.pc - objects[object].base - 1));
			words[n++] = copied(text);
		}
	words[n] = NULL;
	for (unsigned i = 0; i < sizeof(programs) / sizeof(*programs) && answer == NULL && n > 4; i++) {
		words[0] = programs[i];
		answer = start(words, &child);
	}
	if (answer != NULL) {
		read_answer(answer, object);
		fclose(answer);
		waitpid(child, NULL, 0);
	}
	while (n-- > 1)
		free(words[n]);
	free(words);
}

static void by_symbol(struct entry *entry)
{
	size_t offset;
	const char *const name = symbol_at((const char *)entry->places.pc - 1, STT_FUNC, &offset);
	char function[256], nowhere[] = "??:0";

	if (name != NULL)
		snprintf(function, sizeof(function), "%s+0x%zx", name, offset);
	else
		snprintf(function, sizeof(function), "%p", entry->places.pc);
	add_place(entry, function, nowhere);
}

void places_find(const void *const pcs[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (pcs[i] == NULL || places_of(pcs[i]) != NULL)
			continue;
		entries = grown(entries, (n_entries + 1) * sizeof(*entries));
		entries[n_entries] = (struct entry){ .places.pc = pcs[i] };
		entries[n_entries].object = object_of(pcs[i], &entries[n_entries].in_object);
		n_entries++;
	}
	for (size_t i = 0; i < n_objects; i++)
		ask(i);
	for (size_t i = 0; i < n_entries; i++) {
		if (entries[i].places.n == 0)
			by_symbol(&entries[i]);
		entries[i].done = true;
	}
}
