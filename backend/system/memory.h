/*
 * What happens to memory that was freed.
 *
 * SQLite lets go of all its cached pages when another process has committed, and wants as many
 * again with the next questions; a configuration that is loaded anew takes the place of one that
 * goes. In between, the C library would give the memory back to the system and get every page of it
 * anew by a fault. So a busy process keeps it, and one that nobody asks gives it back: there may be
 * a thousand of them.
 *
 * With another C library than glibc both do nothing.
 */
#ifndef STICKY_SYSTEM_MEMORY_H
#define STICKY_SYSTEM_MEMORY_H

/* From now on, some megabytes of freed memory stay with the process. Before there are threads. */
void memory_keep_freed(void);

/* Gives back what is kept now. Takes some tens of microseconds. */
void memory_return_freed(void);

#endif
