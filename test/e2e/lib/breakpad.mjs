// Google Breakpad as the npm package `minidump` has it: dump_syms and minidump_stackwalk as programs, the
// uploader and the client that is linked into programs (and writes the minidump when one crashes) as C++ sources.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('../node_modules/minidump', import.meta.url));
const SOURCES = path.join(PACKAGE, 'deps/breakpad/src');
export const dumpSyms = path.join(PACKAGE, 'bin/linux-x64/dump_syms');
export const stackwalk = path.join(PACKAGE, 'bin/linux-x64/minidump_stackwalk');
export const hasBreakpad = process.platform === 'linux' && process.arch === 'x64';

const COMMON = ['-std=gnu++17', '-w', '-DHAVE_GETCONTEXT', '-I', SOURCES, '-I', path.join(PACKAGE, 'deps')];
const CLIENT = [
	'client/linux/crash_generation/crash_generation_client', 'client/linux/dump_writer_common/thread_info', 'client/linux/dump_writer_common/ucontext_reader',
	'client/linux/handler/exception_handler', 'client/linux/handler/minidump_descriptor', 'client/linux/log/log', 'client/linux/microdump_writer/microdump_writer',
	'client/linux/minidump_writer/linux_core_dumper', 'client/linux/minidump_writer/linux_dumper', 'client/linux/minidump_writer/linux_ptrace_dumper', 'client/linux/minidump_writer/minidump_writer',
	'client/linux/minidump_writer/pe_file', 'client/minidump_file_writer', 'common/convert_UTF', 'common/string_conversion', 'common/linux/elf_core_dump', 'common/linux/elfutils', 'common/linux/file_id',
	'common/linux/guid_creator', 'common/linux/linux_libc_support', 'common/linux/memory_mapped_file', 'common/linux/safe_readlink',
];
const SYM_UPLOAD = ['common/linux/http_upload', 'common/linux/libcurl_wrapper', 'common/linux/symbol_collector_client', 'common/linux/symbol_upload', 'common/path_helper', 'tools/linux/symupload/sym_upload'];

const sources = (names) => names.map((name) => path.join(SOURCES, `${name}.cc`));
const compile = (...args) => execFileSync('g++', args, { stdio: ['ignore', 'ignore', 'inherit'] });

export function buildSymUpload(out) {
	compile('-O1', ...COMMON, '-o', out, ...sources(SYM_UPLOAD), '-ldl');
}

// A program of one's own sources with the client in it; libraries: those that it is linked with.
export function buildWithClient(out, source, ...libraries) {
	compile('-O2', '-g', '-gdwarf-4', '-Wl,--build-id', ...COMMON, '-c', '-o', `${out}.o`, source);
	compile('-O0', '-Wl,--build-id', ...COMMON, '-o', out, `${out}.o`, ...sources(CLIENT), ...libraries, '-lpthread');
}

export function buildLibrary(out, source) {
	compile('-O2', '-g', '-gdwarf-4', '-fPIC', '-shared', '-Wl,--build-id', `-Wl,-soname,${path.basename(out)}`, '-o', out, source);
}
