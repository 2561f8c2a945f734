/*
 * Feeds the shim's plan reader and log writer with garbage, under ASan and UBSan; run by shim-fuzz.test.ts.
 * usage: shim-fuzz PLAN LOG SEED ROUNDS
 */
#include "shim.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t state;

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % below;
}

static void walk_strings(const struct strings *strings)
{
	struct fields f = strings->fields;
	uint32_t i;

	for (i = 0; i < strings->n; i++)
		(void)strlen(field_str(&f, NULL));
}

/* Reads what is accepted as the child would. */
static int accepted(const struct plan *plan)
{
	struct record_at r;
	size_t offset = PLAN_HEADER;
	uint32_t i, sum = 0;

	while (plan_next(plan, &offset, &r)) {
		if (r.type == REC_MOUNT) {
			struct mount_step m = mount_read(&r.fields);

			walk_strings(&m.lower);
			sum += (uint32_t)(strlen(m.source) + strlen(m.below));
		}
		while (!r.fields.bad && r.fields.at < r.fields.end)
			sum += field_u32(&r.fields);
	}
	walk_strings(&plan->process.args);
	walk_strings(&plan->process.env);
	walk_strings(&plan->overlay.lower);
	for (i = 0; i < plan->process.ngids * 4; i++)
		sum += plan->process.gids[i];
	for (i = 0; i < plan->process.seccomp_size; i++)
		sum += plan->process.seccomp[i];
	return sum != 1;
}

static void fuzz_plan(const uint8_t *good, size_t size, int rounds)
{
	int accepted_count = 0, n;

	for (n = 0; n < rounds; n++) {
		size_t length = rnd(4) ? size : rnd((uint32_t)size + 1);
		uint8_t *bad = malloc(length ? length : 1);
		struct plan plan;
		uint32_t k = n ? rnd(6) : 0;

		memcpy(bad, good, length);
		while (k-- > 0 && length > 0)
			bad[rnd((uint32_t)length)] = (uint8_t)(rnd(3) ? rnd(256) : rnd(2) * 255);
		/* or else nearly all would fail at the first check */
		if (length >= 12 && rnd(8)) {
			memcpy(bad, good, 8);
			bad[8] = (uint8_t)length;
			bad[9] = (uint8_t)(length >> 8);
			bad[10] = (uint8_t)(length >> 16);
			bad[11] = 0;
		}
		if (plan_parse(&plan, bad, length) == 0)
			accepted_count += accepted(&plan);
		free(bad);
	}
	if (accepted_count == 0)
		exit(3);
}

/* Nobody is connected. */
void clients_log(uint32_t news, int err, uint64_t lost)
{
	(void)news;
	(void)err;
	(void)lost;
}

/* What is printed in pieces comes out whole, whatever it is. */
static void fuzz_log(const char *path, int rounds)
{
	uint8_t *buf = malloc(LINE_MAX_BYTES + CHUNK_MAX);
	struct plan plan = {.log_path = path, .log_max = 200000, .log_files = 3, .log_attrs = ""};
	struct log l;
	size_t have = 0;
	int n;

	if (log_open(&l, &plan) < 0)
		exit(4);
	for (n = 0; n < rounds; n++) {
		size_t more = rnd(3) ? rnd(200) : rnd(CHUNK_MAX), i, took;
		uint8_t *exact;

		for (i = 0; i < more; i++)
			buf[have + i] = (uint8_t)(rnd(40) ? rnd(256) : '\n');
		have += more;
		exact = malloc(have ? have : 1);
		memcpy(exact, buf, have);
		took = log_lines(&l, n & 1, exact, have, n == rounds - 1);
		free(exact);
		log_flush(&l);
		if (took > have || have - took >= LINE_MAX_BYTES)
			exit(5);
		have -= took;
		memmove(buf, buf + took, have);
	}
	free(buf);
}

int main(int argc, char **argv)
{
	struct stat st;
	uint8_t *good;
	int fd;

	if (argc != 5)
		return 2;
	fd = open(argv[1], O_RDONLY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return 2;
	good = malloc((size_t)st.st_size);
	if (read(fd, good, (size_t)st.st_size) != st.st_size)
		return 2;
	close(fd);
	state = strtoull(argv[3], NULL, 10);
	fuzz_plan(good, (size_t)st.st_size, atoi(argv[4]));
	fuzz_log(argv[2], atoi(argv[4]) / 100);
	free(good);
	return 0;
}
