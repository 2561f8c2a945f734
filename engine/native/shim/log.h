/* Inside of the log: what its files have of each other. What the others of the shim see of it is in shim.h. */
#ifndef GANTRY_LOG_H
#define GANTRY_LOG_H

#include "shim.h"

/* the longest object without attributes: each byte as \u00xx, and the rest of the text */
#define OBJECT_MAX (LINE_MAX_BYTES * 6 + 160)
#define ATTRS_MAX (64u << 10)
/* a message to the writer is sent when it is so long; the kernel keeps each in one piece of memory, mostly */
#define MESSAGE_SIZE (32u << 10)

/* ---- log.c */
/* Makes room for one object more, in the file too. */
void log_room(struct log *l);

/* ---- log-object.c */
/* What stands between text and time; -E2BIG when the attributes are too long. */
int object_tails(struct log *l, const char *attrs);
/* These write at `o` and return where they ended. */
uint8_t *object_escape(uint8_t *o, const uint8_t *s, size_t n);
uint8_t *object_time(struct log *l, uint8_t *o, int64_t ns);
/* The newest timestamp in the last of whole lines, 0 when there is none to be read. */
int64_t object_last_time(const char *tail, size_t n);

/* ---- log-file.c */
int log_file_open(struct log *l, int flags);
/* Cuts off an unfinished last line and learns the newest timestamp. */
int log_file_mend(struct log *l);
void log_rotate(struct log *l);

/* ---- log-loss.c */
void log_failing(struct log *l, const char *what, int err);
/* Says in the log what it lacks, at the place where it does; false when that cannot be written either. */
bool log_confess(struct log *l);
/* The first n bytes of `out` are lost. */
void log_lose(struct log *l, uint32_t n, int err);
/* What was lost has been confessed; `end`: nothing will be written any more. */
void log_regained(struct log *l, bool end);

/* ---- log-writer.c */
int log_writer_start(struct log *l, uint32_t buffer);
/* Tells the shim's watchers, also from within the writer. */
void log_tell(struct log *l, uint32_t news, int err, uint64_t lost);
/* What the writer tells; `end`: until it has ended. */
void log_hear(struct log *l, bool end);

#endif
