/**
 * The names of Python's own modules (sys.stdlib_module_names of 3.8 to 3.14, and Python 2's), pip and setuptools;
 * without a few harmless ones that people call their own. Not here: what may be used of them (globals.ts).
 */
export const pythonModules: ReadonlySet<string> = new Set(
  [
    "BaseHTTPServer CGIHTTPServer ConfigParser Cookie HTMLParser Queue SimpleHTTPServer SocketServer StringIO",
    "UserDict UserList UserString abc aifc annotationlib anydbm argparse array ast asynchat asyncio asyncore atexit",
    "audioop base64 bdb binascii binhex bisect builtins bz2 cPickle cProfile cStringIO calendar cgi cgitb chunk cmath",
    "cmd code codecs codeop collections colorsys commands compileall concurrent configparser contextlib contextvars",
    "cookielib copy copy_reg copyreg crypt csv ctypes curses dataclasses datetime dbhash dbm decimal difflib dis",
    "distutils doctest dummy_threading email encodings ensurepip enum errno exceptions faulthandler fcntl filecmp",
    "fileinput fnmatch fractions ftplib functools gc gdbm genericpath getopt getpass gettext glob graphlib grp gzip",
    "hashlib heapq hmac html htmlentitydefs http httplib idlelib ihooks imaplib imghdr imp importlib imputil inspect",
    "io ipaddress itertools json keyword lib2to3 linecache locale logging lzma macpath mailbox mailcap marshal math",
    "mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode",
    "operator optparse os os2 ossaudiodev pathlib pdb pickle pickletools pip pipes pkg_resources pkgutil platform",
    "plistlib popen2 poplib posix posixfile posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc",
    "pydoc_data pyexpat queue quopri random re readline reprlib resource rexec rlcompleter robotparser runpy sched",
    "secrets select selectors setuptools shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver",
    "spwd sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess sunau",
    "symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap threading time timeit tkinter",
    "token tokenize tomllib trace traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest",
    "urllib urllib2 urlparse uu uuid venv warnings wave weakref webbrowser whichdb winreg winsound wsgiref xdrlib xml",
    "xmlrpc xmlrpclib zipapp zipfile zipimport zlib zoneinfo",
  ].flatMap((names) => names.split(" ")),
);
