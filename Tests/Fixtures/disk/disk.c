// A library for LD_PRELOAD that stands between a program and the file system below one folder.
//
// LETHE_DISK_ROOT     the folder, without a slash at its end; everything else is passed on untouched
// LETHE_DISK_JOURNAL  a file to which every change and every sync below the folder is appended, in order
// LETHE_DISK_FAULT    CALL:NAME:ERROR[:ARRIVAL], such as fsync:lethe.sqlite-wal:EIO:3 - from that arrival on (1) the
//                     call fails on files whose name begins so; CALL is fsync (fdatasync too) or write (pwrite,
//                     ftruncate and creating a file too), ERROR is EIO or ENOSPC
// LETHE_DISK_SWITCH   a file without which no fault is made
//
// While a journal is written nothing is synced in truth: what would be lost is worked out from the journal.
//
// A record of the journal is 32 bytes - kind, three bytes of zeros, mode, inode, a, b (little-endian) - and b bytes of
// payload. It is in the journal before the call returns, so that whoever hears of a change can find it there.
//
//   C mode inode 0 n path   a file was made          M mode inode 0 n path   a folder was made
//   W 0 inode offset n      bytes were written       T 0 inode size 0        a size was set
//   S 0 inode 0 0           fsync or fdatasync       P mode inode 0 n path   permissions were set
//   L mode inode 0 n path   a further name           U 0 0 0 n path          a name was removed
//   D 0 0 0 n path          a folder was removed     R 0 0 len n old+new     a rename; len is that of old
//   X 0 0 0 n call          something that this library does not follow

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES = 4096 };

static struct {
    uint64_t inode;  // 0 when the descriptor is not below the folder
    char name[48];
} files[FILES];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *root, *fault_name, *fault_switch;
static size_t root_length;
static int journal = -1, fault_error;
static char fault_call;
static long fault_arrival, fault_arrivals;

__attribute__((constructor)) static void start(void) {
    root = getenv("LETHE_DISK_ROOT");
    if (!root) return;
    root_length = strlen(root);
    const char *path = getenv("LETHE_DISK_JOURNAL");
    if (path) journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    // The journal keeps its number out of the way of those that the program expects.
    if (journal >= 0) {
        int high = fcntl(journal, F_DUPFD_CLOEXEC, 900);
        syscall(SYS_close, journal);
        journal = high;
    }
    fault_switch = getenv("LETHE_DISK_SWITCH");
    const char *fault = getenv("LETHE_DISK_FAULT");
    if (!fault) return;
    char *copy = strdup(fault), *rest = copy;
    const char *call = strsep(&rest, ":");
    fault_name = strsep(&rest, ":");
    const char *error = strsep(&rest, ":"), *arrival = strsep(&rest, ":");
    if (!fault_name || !error) _exit(98);
    fault_call = call[0];
    fault_error = strcmp(error, "ENOSPC") == 0 ? ENOSPC : EIO;
    fault_arrival = arrival ? atol(arrival) : 1;
}

static void record(char kind, uint32_t mode, uint64_t inode, uint64_t a, const void *bytes, uint64_t b) {
    if (journal < 0) return;
    unsigned char head[32] = {(unsigned char)kind};
    memcpy(head + 4, &mode, 4);
    memcpy(head + 8, &inode, 8);
    memcpy(head + 16, &a, 8);
    memcpy(head + 24, &b, 8);
    struct iovec parts[2] = {{head, sizeof head}, {(void *)bytes, b}};
    ssize_t written = syscall(SYS_writev, journal, parts, bytes && b ? 2 : 1);
    if (written != (ssize_t)(sizeof head + (bytes ? b : 0))) _exit(97);
}

// The absolute path when it lies below the folder, else 0.
static int below(int folder, const char *path, char *out) {
    if (!root) return 0;
    if (path[0] == '/') {
        if (strlen(path) >= PATH_MAX) return 0;
        strcpy(out, path);
    } else {
        char link[64], base[PATH_MAX];
        if (folder == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) return 0;
        } else {
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
            ssize_t length = readlink(link, base, sizeof base - 1);
            if (length < 0) return 0;
            base[length] = 0;
        }
        if ((size_t)snprintf(out, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
    }
    size_t length = strlen(out);
    while (length > 1 && out[length - 1] == '/') out[--length] = 0;
    return strncmp(out, root, root_length) == 0 && (out[root_length] == '/' || out[root_length] == 0);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// The file from which SQLite's connections read the log; it is made anew after a crash.
static int is_ignored(const char *path) {
    size_t length = strlen(path);
    return length >= 4 && strcmp(path + length - 4, "-shm") == 0;
}

static int faulty(char call, const char *name) {
    if (fault_call != call || strncmp(name, fault_name, strlen(fault_name)) != 0) return 0;
    if (fault_switch && syscall(SYS_faccessat, AT_FDCWD, fault_switch, F_OK) != 0) return 0;
    if (++fault_arrivals < fault_arrival) return 0;
    errno = fault_error;
    return 1;
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    if (!below(folder, path, full) || is_ignored(full)) return (int)syscall(SYS_openat, folder, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat64 old;
    int existed = 1;
    if (flags & (O_CREAT | O_TRUNC)) existed = lstat64(full, &old) == 0;
    int file;
    if (!existed && faulty('w', base_name(full))) {
        file = -1;
    } else {
        file = (int)syscall(SYS_openat, folder, path, flags, mode);
    }
    int error = errno;
    if (file >= 0) {
        struct stat64 now;
        if (fstat64(file, &now) == 0 && file < FILES) {
            files[file].inode = now.st_ino;
            size_t length = strlen(base_name(full));
            if (length >= sizeof files[file].name) length = sizeof files[file].name - 1;
            memcpy(files[file].name, base_name(full), length);
            files[file].name[length] = 0;
            if (!existed) record('C', now.st_mode & 07777, now.st_ino, 0, full, strlen(full));
            if (existed && (flags & O_TRUNC)) record('T', 0, now.st_ino, 0, NULL, 0);
        } else {
            record('X', 0, 0, 0, "open", 4);
        }
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return file;
}

#define OPEN(name, has_folder)                                           \
    va_list list;                                                        \
    va_start(list, flags);                                               \
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0; \
    va_end(list);                                                        \
    return open_at(has_folder, path, flags, mode)

int open(const char *path, int flags, ...) { OPEN(open, AT_FDCWD); }
int open64(const char *path, int flags, ...) { OPEN(open64, AT_FDCWD); }
int openat(int folder, const char *path, int flags, ...) { OPEN(openat, folder); }
int openat64(int folder, const char *path, int flags, ...) { OPEN(openat64, folder); }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
// What the compiler makes of open with _FORTIFY_SOURCE.
int __open_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }

int close(int file) {
    if (file < 0 || file >= FILES || !files[file].inode) return (int)syscall(SYS_close, file);
    pthread_mutex_lock(&lock);
    files[file].inode = 0;
    int result = (int)syscall(SYS_close, file);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

// Whether a descriptor is of a file below the folder; one that was closed behind this library's back is not any more.
static int is_followed(int file) {
    struct stat64 now;
    if (file < 0 || file >= FILES || !files[file].inode) return 0;
    if (fstat64(file, &now) == 0 && now.st_ino == files[file].inode) return 1;
    files[file].inode = 0;
    return 0;
}

static ssize_t write_at(int file, const void *bytes, size_t count, off64_t offset, int positioned) {
    pthread_mutex_lock(&lock);
    ssize_t result;
    if (faulty('w', files[file].name)) {
        result = -1;
    } else if (positioned) {
        result = syscall(SYS_pwrite64, file, bytes, count, offset);
    } else {
        int flags = fcntl(file, F_GETFL);
        struct stat64 now;
        if (flags & O_APPEND && fstat64(file, &now) == 0) {
            offset = now.st_size;
        } else {
            offset = lseek64(file, 0, SEEK_CUR);
        }
        result = syscall(SYS_write, file, bytes, count);
    }
    int error = errno;
    if (result > 0) record('W', 0, files[file].inode, (uint64_t)offset, bytes, (uint64_t)result);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

ssize_t write(int file, const void *bytes, size_t count) {
    if (!is_followed(file)) return syscall(SYS_write, file, bytes, count);
    return write_at(file, bytes, count, 0, 0);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    if (!is_followed(file)) return syscall(SYS_pwrite64, file, bytes, count, offset);
    return write_at(file, bytes, count, offset, 1);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) { return pwrite64(file, bytes, count, offset); }

int ftruncate64(int file, off64_t size) {
    if (!is_followed(file)) return (int)syscall(SYS_ftruncate, file, size);
    pthread_mutex_lock(&lock);
    int result = faulty('w', files[file].name) ? -1 : (int)syscall(SYS_ftruncate, file, size);
    int error = errno;
    if (result == 0) record('T', 0, files[file].inode, (uint64_t)size, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

static int sync_file(int file, long call) {
    if (!is_followed(file)) return (int)syscall(call, file);
    pthread_mutex_lock(&lock);
    int result = 0;
    if (faulty('f', files[file].name)) {
        result = -1;
    } else if (journal < 0) {
        result = (int)syscall(call, file);
    }
    int error = errno;
    if (result == 0) record('S', 0, files[file].inode, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int fsync(int file) { return sync_file(file, SYS_fsync); }
int fdatasync(int file) { return sync_file(file, SYS_fdatasync); }

// A call that changes names: `kind` with the path, and the inode that it is about.
#define NAMED(call, kind, first, second)                                         \
    char full[PATH_MAX];                                                         \
    if (!below(AT_FDCWD, first, full) || is_ignored(full)) return (int)(call);   \
    pthread_mutex_lock(&lock);                                                   \
    int result = (int)(call);                                                    \
    int error = errno;                                                           \
    if (result == 0) second;                                                     \
    pthread_mutex_unlock(&lock);                                                 \
    errno = error;                                                               \
    return result

static void made(char kind, const char *full) {
    struct stat64 now;
    if (lstat64(full, &now) == 0) record(kind, now.st_mode & 07777, now.st_ino, 0, full, strlen(full));
}

int mkdir(const char *path, mode_t mode) {
    NAMED(syscall(SYS_mkdir, path, mode), 'M', path, made('M', full));
}

int unlink(const char *path) {
    NAMED(syscall(SYS_unlink, path), 'U', path, record('U', 0, 0, 0, full, strlen(full)));
}

int rmdir(const char *path) {
    NAMED(syscall(SYS_rmdir, path), 'D', path, record('D', 0, 0, 0, full, strlen(full)));
}

int unlinkat(int folder, const char *path, int flags) {
    char full[PATH_MAX];
    if (!below(folder, path, full) || is_ignored(full)) return (int)syscall(SYS_unlinkat, folder, path, flags);
    return flags & AT_REMOVEDIR ? rmdir(full) : unlink(full);
}

int remove(const char *path) {
    struct stat64 now;
    if (lstat64(path, &now) != 0) return -1;
    return S_ISDIR(now.st_mode) ? rmdir(path) : unlink(path);
}

int link(const char *old, const char *new) {
    NAMED(syscall(SYS_link, old, new), 'L', new, made('L', full));
}

int linkat(int a, const char *old, int b, const char *new, int flags) {
    char full[PATH_MAX], source[PATH_MAX];
    if (!below(b, new, full)) return (int)syscall(SYS_linkat, a, old, b, new, flags);
    if (!below(a, old, source)) { errno = EXDEV; return -1; }
    return link(source, full);
}

int rename(const char *old, const char *new) {
    char from[PATH_MAX], to[PATH_MAX];
    int is_below = below(AT_FDCWD, old, from);
    if (!below(AT_FDCWD, new, to)) is_below = 0;
    if (!is_below) return (int)syscall(SYS_rename, old, new);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_rename, old, new);
    int error = errno;
    if (result == 0) {
        char both[2 * PATH_MAX];
        size_t length = strlen(from);
        memcpy(both, from, length);
        memcpy(both + length, to, strlen(to));
        record('R', 0, 0, length, both, length + strlen(to));
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int renameat(int a, const char *old, int b, const char *new) {
    char from[PATH_MAX], to[PATH_MAX];
    if (!below(a, old, from) || !below(b, new, to)) return (int)syscall(SYS_renameat, a, old, b, new);
    return rename(from, to);
}

int chmod(const char *path, mode_t mode) {
    NAMED(syscall(SYS_chmod, path, mode), 'P', path, made('P', full));
}

int fchmod(int file, mode_t mode) {
    if (!is_followed(file)) return (int)syscall(SYS_fchmod, file, mode);
    pthread_mutex_lock(&lock);
    int result = (int)syscall(SYS_fchmod, file, mode);
    int error = errno;
    if (result == 0) record('P', mode & 07777, files[file].inode, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

// What is not followed is refused or noted, so that a journal is complete or says that it is not.

ssize_t writev(int file, const struct iovec *parts, int count) {
    if (is_followed(file)) record('X', 0, 0, 0, "writev", 6);
    return syscall(SYS_writev, file, parts, count);
}

ssize_t sendfile(int out, int in, off_t *offset, size_t count) {
    if (is_followed(out)) { errno = EINVAL; return -1; }
    return syscall(SYS_sendfile, out, in, offset, count);
}

ssize_t sendfile64(int out, int in, off64_t *offset, size_t count) { return sendfile(out, in, offset, count); }

ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t count, unsigned flags) {
    if (is_followed(out)) { errno = EXDEV; return -1; }
    return syscall(SYS_copy_file_range, in, from, out, to, count, flags);
}

int fallocate64(int file, int mode, off64_t offset, off64_t count) {
    if (is_followed(file)) { errno = EOPNOTSUPP; return -1; }
    return (int)syscall(SYS_fallocate, file, mode, offset, count);
}

int fallocate(int file, int mode, off_t offset, off_t count) { return fallocate64(file, mode, offset, count); }

void *mmap64(void *address, size_t size, int protection, int flags, int file, off64_t offset) {
    if (is_followed(file) && (flags & MAP_SHARED) && (protection & PROT_WRITE)) record('X', 0, 0, 0, "mmap", 4);
    return (void *)syscall(SYS_mmap, address, size, protection, flags, file, offset);
}

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    return mmap64(address, size, protection, flags, file, offset);
}
