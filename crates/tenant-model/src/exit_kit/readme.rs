//! The commands with which a kit is used.

use crate::deployment::Deployment;

pub(super) fn readme(deployment: &Deployment, parts: usize, left_out: &[(String, String)]) -> String {
    let (id, region) = (deployment.id, &deployment.region);
    let stack = format!("data-platform-{}", deployment.id.suffix());
    let mut text = format!(
        "# Taking over {id}\n\n\
         This kit holds {parts} resources in {region}. Nothing in it needs us: after the import the resources belong to a \
         stack of your own, and every one has `DeletionPolicy: Retain`.\n\n\
         Save the kit as `exit-kit.json`, then:\n\n\
         ```\n\
         jq .template exit-kit.json > template.json\n\
         jq .resources_to_import exit-kit.json > resources-to-import.json\n\
         aws cloudformation create-change-set --region {region} --stack-name {stack} --change-set-name import \\\n\
         \x20 --change-set-type IMPORT --template-body file://template.json \\\n\
         \x20 --resources-to-import file://resources-to-import.json\n\
         aws cloudformation describe-change-set --region {region} --stack-name {stack} --change-set-name import\n\
         aws cloudformation execute-change-set --region {region} --stack-name {stack} --change-set-name import\n\
         aws cloudformation detect-stack-drift --region {region} --stack-name {stack}\n\
         ```\n\n\
         Afterwards delete the stack of our role. Do it in this order: without the role we can neither change nor take \
         down anything, and say so.\n"
    );
    if !left_out.is_empty() {
        text.push_str("\n## Not in the kit\n\n");
        for (name, why) in left_out {
            text.push_str(&format!("- {name}: {why}\n"));
        }
    }
    text
}
