/** SARIF 2.1.0 of a verification, for tools that gather findings of many checkers: one run, a rule a kind of finding, a location a file. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Finding } from '../engine/verify/finding.js';
import { allFindings, type VerifyReport } from '../engine/verify/report.js';
import { RULE_IDS, RULES, type Rule } from '../engine/verify/rules.js';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

export function verifySarif(report: VerifyReport, version: string): object {
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'lsmctl', version, rules: RULE_IDS.map(ruleObject) },
        },
        results: allFindings(report).map(resultObject),
      },
    ],
  };
}

function ruleObject(id: (typeof RULE_IDS)[number]): object {
  const { title, means, remedy, severity }: Rule = RULES[id];
  return {
    id,
    shortDescription: { text: title },
    fullDescription: { text: means },
    help: { text: remedy },
    defaultConfiguration: { level: severity },
  };
}

function resultObject(finding: Finding): object {
  const { rule, severity, message, file, offset, chunk, partition, plainRange, seen, expected, chain, more } = finding;
  const compared = [seen === undefined ? '' : `seen ${seen}`, expected === undefined ? '' : `expected ${expected}`];
  const facts = compared.filter((text) => text !== '').join(', ');
  return {
    ruleId: rule,
    ruleIndex: RULE_IDS.indexOf(rule),
    level: severity,
    message: { text: facts === '' ? message : `${message} (${facts})` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: pathToFileURL(path.resolve(file)).href },
          ...(offset !== undefined && { region: { byteOffset: offset } }),
        },
        ...(partition && {
          logicalLocations: [{ name: `0x${partition.key}`, kind: 'partition', ...(partition.token !== undefined && { fullyQualifiedName: `token ${partition.token}` }) }], // biome-ignore format: one line
        }),
      },
    ],
    properties: {
      ...(chunk !== undefined && { chunk }),
      ...(plainRange && { plainRange }),
      ...(more !== undefined && { more }),
      ...(chain && { chain }),
    },
  };
}
