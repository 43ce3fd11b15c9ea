import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../../schema.graphql",
  // The subscription is in this folder, because the Python client does not support subscriptions.
  documents: ["../documents/*.graphql", "./*.graphql"],
  emitLegacyCommonJSImports: false,
  generates: {
    "./generated/": {
      preset: "client",
      presetConfig: {
        // Fragments are plain types here; with masking, each component would unmask its own.
        fragmentMasking: false,
      },
      config: {
        // Documents are strings, so that the client needs no GraphQL library at run time.
        documentMode: "string",
        // A scalar without a type here is an error, not `any`.
        strictScalars: true,
        defaultScalarType: "unknown",
        scalars: { ID: "string", DateTime: "string", BigInt: "number" },
        // 'WAV' | 'MP3' instead of enum objects. A value that a newer server adds must not break an older client.
        enumsAsTypes: true,
        futureProofEnums: true,
        useTypeImports: true,
        // Selected fields are present, possibly null. Absent fields of a patch differ from null.
        avoidOptionals: { field: true, object: false, inputValue: false, defaultValue: false },
      },
    },
  },
};

export default config;
