import type { RuleDefault } from './defaults.js'

/** docs/policies.md: the declared rules with what they guard and their defaults. */
export function policyDocs(rules: Readonly<Record<string, string | RuleDefault>>): string {
  const rows = Object.entries(rules).map(([name, rule]) => {
    const { check, description } = typeof rule === 'string' ? { check: rule, description: '' } : rule
    const cell = check === '' ? '(everybody)' : `\`${check}\``
    return `| \`${name}\` | ${description.replaceAll('|', '\\|')} | ${cell.replaceAll('|', '\\|')} |`
  })
  return `${head}\n| rule | permits | default |\n|---|---|---|\n${rows.join('\n')}\n`
}

const head = `# Policies

<!-- Generated from the declared rules; write it anew with: UPDATE_DOCS=1 node dist/test/policy/docs.test.js -->

Who may do what is decided by rules with Glance's names, in the language of oslo.policy. The file that
\`VITRINE_POLICY_FILE\` names (YAML) overrides them one by one:

\`\`\`yaml
# Members may publish images of their project, too.
publicize_image: rule:context_is_admin or (role:member and project_id:%(project_id)s)
# Admins of a domain may have the domain's images.
delete_image: rule:context_is_admin or (role:manager and project_domain_id:%(owner_domain)s)
\`\`\`

| check | passes when |
|---|---|
| \`role:NAME\` | the caller has the role; upper and lower case are the same |
| \`rule:NAME\` | the rule of that name passes |
| \`CREDENTIAL:%(KEY)s\` | the caller's credential is the target's attribute; for a list, one of its items is |
| \`'TEXT':%(KEY)s\`, \`True:%(KEY)s\`, \`None:%(KEY)s\`, \`5:%(KEY)s\` | the target's attribute is this constant |
| \`@\`, \`!\`, empty text | always, never, always |
| \`A and B\`, \`A or B\`, \`not A\`, \`( … )\` | \`not\` binds tightest, then \`and\` |

Credentials: \`user_id\`, \`user_domain_id\`, \`project_id\`, \`project_domain_id\`, \`domain_id\`, \`system_scope\`, \`roles\`,
\`groups\`, \`is_admin\`, \`is_admin_project\`, \`service_roles\`, \`service_user_id\`, \`service_user_domain_id\`,
\`service_project_id\`, \`service_project_domain_id\`.
Attributes of an image: all that the API shows, and \`project_id\` (its owner), \`member_id\` (the caller's project, when
the image is shared with it), \`image_id\`, \`created_by\` (a user id) and \`owner_domain\` (a domain id). An attribute that
the target lacks makes the check fail.

A faulty file (text that is no rule, an unknown rule or credential, rules in a circle) stops the start with a list of
all faults; oslo.policy would deny, or take the rule \`default\`. Checks that ask another server (\`http:\`) are not
supported. A caller with a system- or domain-scoped token fails every rule of an operation, whatever its text.

## Property protections

The file that \`VITRINE_PROPERTY_PROTECTION_FILE\` names says who may do what with additional properties of images, in
Glance's format: sections are regular expressions (Python's) that are looked for in a property's name, the first that
matches counts, and what none matches is allowed to nobody.

\`\`\`ini
[^billing_]
create = admin,billing
read = admin,billing,member
update = admin
delete = !

[.*]
create = @
read = @
update = @
delete = @
\`\`\`

A permission is a list of roles (of the caller, or of a service token that came along), or one policy rule, \`@\`
(everybody) or \`!\` (nobody). Glance has a setting for the choice between roles and rules; here it shows: a file whose
names are all policy rules is of rules, one whose names are none is of roles, a mixture stops the start. To say it
outright, write \`rule_format = roles\` or \`rule_format = policies\` in a section \`[DEFAULT]\`; Glance passes over it.
An expression that repeats what itself repeats or offers a choice, such as \`(a+)+\`, is refused, because a name could
make it run for ever. Properties that begin with \`os_glance\` are not protected.

## Rules
`
