import js from "@eslint/js";

// The page's files are parts of one script: what one defines another uses, which tsc checks.
const unsafe = ["innerHTML", "outerHTML", "insertAdjacentHTML", "write", "writeln"];

export default [
  js.configs.recommended,
  {
    files: ["forktrace/render/page/*.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "script" },
    rules: {
      "complexity": ["error", 16],
      "eqeqeq": "error",
      "max-lines": ["error", 300],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-properties": [
        "error",
        ...unsafe.map((property) => ({ property, message: "Texts from a trace go in by textContent." })),
      ],
      "no-shadow": "off",
      "no-undef": "off",
      "no-unused-vars": "off",
      "no-var": "error",
      "prefer-const": "error",
    },
  },
];
