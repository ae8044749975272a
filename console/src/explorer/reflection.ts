// What a service says about itself (the gRPC reflection protocol).
import { createFileRegistry, create, fromBinary, type FileRegistry } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

import { exchange } from "../exchange.js";

interface Answer {
  listServicesResponse?: { service: { name: string }[] };
  fileDescriptorResponse?: { fileDescriptorProto: string[] };
}

async function ask(server: string, questions: object[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  await exchange({
    url: `${server}/grpc.reflection.v1.ServerReflection/ServerReflectionInfo`,
    form: "json",
    token: undefined,
    messages: questions.map((question) => new TextEncoder().encode(JSON.stringify(question))),
    onMessage: (message) => answers.push(JSON.parse(new TextDecoder().decode(message)) as Answer),
  });
  return answers;
}

/** The names of the services of a server, and their descriptors. */
export async function reflect(server: string): Promise<{ names: string[]; registry: FileRegistry }> {
  const [list] = await ask(server, [{ listServices: "" }]);
  const all = list?.listServicesResponse?.service.map(({ name }) => name) ?? [];
  const names = all.filter((name) => !name.startsWith("grpc.reflection.")).sort();
  const files = new Map<string, FileDescriptorProto>();
  let questions: object[] = names.map((fileContainingSymbol) => ({ fileContainingSymbol }));
  // A server may return a file without those that it imports.
  while (questions.length > 0) {
    const answers = await ask(server, questions);
    for (const text of answers.flatMap((answer) => answer.fileDescriptorResponse?.fileDescriptorProto ?? [])) {
      const file = fromBinary(FileDescriptorProtoSchema, base64Decode(text));
      files.set(file.name, file);
    }
    const imported = new Set([...files.values()].flatMap(({ dependency }) => dependency));
    const missing = [...imported].filter((name) => !files.has(name));
    questions = missing.map((fileByFilename) => ({ fileByFilename }));
    if (answers.every((answer) => !answer.fileDescriptorResponse)) break;
  }
  const file = inOrder(files);
  return { names, registry: createFileRegistry(create(FileDescriptorSetSchema, { file })) };
}

/** Imported files first. */
function inOrder(files: Map<string, FileDescriptorProto>): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>();
  const add = (name: string) => {
    const file = files.get(name);
    if (!file || ordered.has(file)) return;
    file.dependency.forEach(add);
    ordered.add(file);
  };
  for (const name of files.keys()) add(name);
  return [...ordered];
}
