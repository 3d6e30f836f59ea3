package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	aboutDisk = "data directory"
	leastFree = 64 << 20 // bytes; below, the store fails soon
	fairFree  = 1 << 30
)

// examineDisk looks at the data directory, or at where it will be made.
func examineDisk(dir string) []Finding {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		parent := existing(filepath.Dir(filepath.Clean(dir)))
		if err := writable(parent); err != nil {
			return []Finding{failed(aboutDisk, "make it, for the user that Parley runs as: install -d -m 700 -o parley "+dir,
				"%s is not there and cannot be made: %v", dir, err)}
		}
		return []Finding{judgeSpace(parent, dir+" will be made")}
	case err != nil:
		return []Finding{failed(aboutDisk, "run this as the user that Parley runs as", "%v", err)}
	case !info.IsDir():
		return []Finding{failed(aboutDisk, "set data_dir to a directory", "%s is none", dir)}
	}
	if err := writable(dir); err != nil {
		return []Finding{failed(aboutDisk, "run this as the user that Parley runs as, to whom it has to belong",
			"%s cannot be written to: %v", dir, err)}
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return []Finding{
			warning(aboutDisk, "chmod 700 "+dir, "%s has mode %04o: others can read its keys, or who is known", dir, mode),
			judgeSpace(dir, "its file system"),
		}
	}
	return []Finding{judgeSpace(dir, dir+" can be written to")}
}

// existing is dir or the next above it that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// writable tries it: modes do not tell of read-only file systems.
func writable(dir string) error {
	file, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

func judgeSpace(dir, what string) Finding {
	free, err := freeSpace(dir)
	if err != nil {
		return ok(aboutDisk, "%s; how much is free is not known (%v)", what, err)
	}
	return judgeFree(what, free)
}

func judgeFree(what string, free uint64) Finding {
	switch {
	case free < leastFree:
		return failed(aboutDisk, "make room", "%s, but only %d MiB are free", what, free>>20)
	case free < fairFree:
		return warning(aboutDisk, "make room", "%s, but only %d MiB are free", what, free>>20)
	}
	return ok(aboutDisk, "%s, %d GiB are free", what, free>>30)
}
